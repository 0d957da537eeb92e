//! The server under load: memory of an idle session, presence fan-out, device sign-ins beside bare TLS handshakes. The load is a client
//! without a core, thousands of them in this process.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use hobnob_shared::id::Hash;
use hobnob_shared::identity::Statement;
use hobnob_shared::message::{
    FRIEND_ACCEPTANCE, FRIEND_REQUEST, FriendAcceptance, FriendRequest, FriendStatement, FromServer, OwnPresence,
    Pulse, Seq, SetPresence, ToServer,
};
use hobnob_tests::raw::{Account, Connection, sign_up};
use hobnob_tests::server::Server;
use tokio::sync::Mutex;

use crate::measure::{folder, pss_kib};
use crate::reference;

/// Idle sessions whose memory is measured; each is an account of its own and costs this process one Argon2id.
const SESSIONS: usize = 2_000;
/// Friends of the one whose presence changes.
const FRIENDS: usize = 200;
/// Presence changes that are fanned out.
const CHANGES: usize = 500;
/// Sign-ins that are counted.
const SIGN_INS: usize = 1_000;

pub fn run() -> Result<()> {
    let server = Server::start(&folder("server")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(&server))
}

/// CPU seconds of the server so far.
fn spent(server: &Server) -> f64 {
    server.process.cpu().as_secs_f64()
}

/// An open session of a device.
async fn session(server: &Server, account: &Account) -> Connection {
    let mut connection =
        Connection::open(&server.address, &server.fingerprint, Some((&account.key, &account.chain))).await;
    connection.hello(0).await;
    connection
}

async fn measure(server: &Server) -> Result<()> {
    let accounts = accounts(server).await?;
    let pid = server.process.id();
    let mut open = Vec::with_capacity(SESSIONS);
    open.push(session(server, accounts.first().context("no account")?).await);
    let before = pss_kib(pid)?;
    for account in accounts.iter().skip(1) {
        open.push(session(server, account).await);
    }
    let each = pss_kib(pid)?.saturating_sub(before) as f64 / (SESSIONS - 1) as f64;
    println!("The server");
    println!("  {SESSIONS} idle signed-in sessions: {each:.1} KiB PSS each   (aim 25; Prosody 52, ejabberd 110)");

    let rate = deliveries(server, &accounts, &mut open).await?;
    println!("  presence to {FRIENDS} friends: {rate:.0} deliveries a CPU second   (aim 200000; Prosody 9000)");
    drop(open);

    let begun = spent(server);
    for account in accounts.iter().cycle().take(SIGN_INS) {
        session(server, account).await.writer.close();
    }
    let sign_ins = SIGN_INS as f64 / (spent(server) - begun);
    let bare = 1.0 / reference::handshake_cpu(500)?;
    let ratio = sign_ins / bare;
    println!("  device sign-ins: {sign_ins:.0} a CPU second   bare TLS handshakes {bare:.0}   ratio {ratio:.2}");
    println!("  bare: the listening end of a mutual TLS 1.3 handshake with the same certificates, in memory\n");
    Ok(())
}

/// Signs up on both cores.
async fn accounts(server: &Server) -> Result<Vec<Account>> {
    let made = Arc::new(Mutex::new(Vec::with_capacity(SESSIONS)));
    let mut tasks = Vec::new();
    for part in 0..2 {
        let (made, address, fingerprint) = (made.clone(), server.address.clone(), server.fingerprint.clone());
        tasks.push(tokio::spawn(async move {
            for n in (part..SESSIONS).step_by(2) {
                let account = sign_up(&address, &fingerprint, &format!("load-{n:05}"), "a long password").await;
                made.lock().await.push(account);
            }
        }));
    }
    for task in tasks {
        task.await?;
    }
    Arc::into_inner(made).map(Mutex::into_inner).context("accounts are still being made")
}

/// The next thing that is said; pings are answered on the way.
async fn hear(connection: &mut Connection) -> Result<FromServer> {
    loop {
        match connection.hear().await.context("the server closed")? {
            FromServer::Ping(Pulse { n }) => connection.say(&ToServer::Pong(Pulse { n })),
            frame => return Ok(frame),
        }
    }
}

async fn done(connection: &mut Connection, seq: Seq) -> Result<()> {
    loop {
        match hear(connection).await? {
            FromServer::Done(done) if done.seq == seq => return Ok(()),
            FromServer::Failed(failed) => bail!("refused: {failed:?}"),
            _ => {}
        }
    }
}

async fn befriend(one: (&Account, &mut Connection), other: (&Account, &mut Connection)) -> Result<()> {
    let (asker, asking) = one;
    let (accepter, accepting) = other;
    let (from, to) = (asker.user.clone(), accepter.user.clone());
    let (from_key, to_key) = (asker.fingerprint, accepter.fingerprint);
    let nonce = rand::random();
    let request = FriendRequest { from: from.clone(), to: to.clone(), from_key, to_key: None, nonce };
    let statement = Statement::sign(FRIEND_REQUEST, &request, &asker.key, asker.chain.clone())?;
    let request = Hash(*blake3::hash(&statement.body).as_bytes());
    asking.say(&ToServer::AddFriend(FriendStatement { seq: 1, statement }));
    done(asking, 1).await?;
    let acceptance = FriendAcceptance { request, from, to, from_key, to_key };
    let statement = Statement::sign(FRIEND_ACCEPTANCE, &acceptance, &accepter.key, accepter.chain.clone())?;
    accepting.say(&ToServer::AcceptFriend(FriendStatement { seq: 1, statement }));
    done(accepting, 1).await
}

/// One person with many friends changes presence; each friend hears every change.
async fn deliveries(server: &Server, accounts: &[Account], open: &mut [Connection]) -> Result<f64> {
    let (star, fans) = accounts.split_first().context("no accounts")?;
    let (centre, rim) = open.split_first_mut().context("no sessions")?;
    for (fan, connection) in fans.iter().zip(rim.iter_mut()).take(FRIENDS) {
        befriend((fan, connection), (star, centre)).await?;
    }
    let begun = spent(server);
    for n in 0..CHANGES {
        let presence = if n % 2 == 0 { OwnPresence::Away } else { OwnPresence::Busy };
        let (seq, text) = (Seq::try_from(n)? + 2, format!("round {n}"));
        centre.say(&ToServer::SetPresence(SetPresence { seq, presence, text: text.clone() }));
        done(centre, seq).await?;
        for fan in rim.iter_mut().take(FRIENDS) {
            while !matches!(hear(fan).await?, FromServer::PresenceChanged(changed) if changed.text == text) {}
        }
    }
    Ok((CHANGES * FRIENDS) as f64 / (spent(server) - begun))
}
