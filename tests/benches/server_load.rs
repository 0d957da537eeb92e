//! The server under load: memory of an idle session, presence fan-out, device sign-ins beside bare TLS handshakes. The load is a client
//! without a core, thousands of them in this process.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::sync::Arc;

use anyhow::{Context, Result};
use hobnob_shared::message::{FromServer, OwnPresence};
use hobnob_tests::light::{Account, Connection, ServerAt};
use hobnob_tests::server::Server;

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
    let at = ServerAt { address: server.address.parse()?, fingerprint: server.fingerprint.parse()? };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(at, &server))
}

/// CPU seconds of the server so far.
fn spent(server: &Server) -> f64 {
    server.process.cpu().as_secs_f64()
}

async fn measure(at: ServerAt, server: &Server) -> Result<()> {
    let accounts = accounts(at).await?;
    let pid = server.process.id();
    let mut open: Vec<Connection> = Vec::with_capacity(SESSIONS);
    open.push(at.session(accounts.first().context("no account")?).await?);
    let before = pss_kib(pid)?;
    for account in accounts.iter().skip(1) {
        open.push(at.session(account).await?);
    }
    let each = pss_kib(pid)?.saturating_sub(before) as f64 / (SESSIONS - 1) as f64;
    println!("The server");
    println!("  {SESSIONS} idle signed-in sessions: {each:.1} KiB PSS each   (aim 25; Prosody 52, ejabberd 110)");

    let rate = deliveries(at, server, &accounts, &mut open).await?;
    println!(
        "  presence to {FRIENDS} friends: {rate:.0} deliveries a CPU second   (aim 200000; Prosody 9000, ejabberd 10000 to 20000)"
    );
    drop(open);

    let begun = spent(server);
    for account in accounts.iter().cycle().take(SIGN_INS) {
        at.session(account).await?.writer.close();
    }
    let sign_ins = SIGN_INS as f64 / (spent(server) - begun);
    let bare = 1.0 / reference::handshake_cpu(500)?;
    println!(
        "  device sign-ins: {sign_ins:.0} a CPU second   bare TLS handshakes {bare:.0}   ratio {:.2}\n",
        sign_ins / bare
    );
    Ok(())
}

/// Signs up on both cores.
async fn accounts(at: ServerAt) -> Result<Vec<Account>> {
    let made = Arc::new(tokio::sync::Mutex::new(Vec::with_capacity(SESSIONS)));
    let tasks: Vec<_> = (0..2)
        .map(|part| {
            let made = made.clone();
            tokio::spawn(async move {
                for n in (part..SESSIONS).step_by(2) {
                    let account = at.sign_up(&format!("load-{n:05}"), "a long password").await?;
                    made.lock().await.push(account);
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Arc::into_inner(made).map(tokio::sync::Mutex::into_inner).context("accounts are still being made")
}

/// One person with many friends changes presence; counts what the friends hear.
async fn deliveries(at: ServerAt, server: &Server, accounts: &[Account], open: &mut [Connection]) -> Result<f64> {
    let ((Some(star), Some(fans)), (Some(centre), Some(rim))) = (
        (accounts.first(), accounts.get(1..=FRIENDS)),
        match open.split_first_mut() {
            Some((centre, rim)) => (Some(centre), rim.get_mut(..FRIENDS)),
            None => (None, None),
        },
    ) else {
        anyhow::bail!("not enough sessions");
    };
    for (fan, connection) in fans.iter().zip(rim.iter_mut()) {
        at.befriend((fan, connection), (star, centre)).await?;
    }
    let begun = spent(server);
    for n in 0..CHANGES {
        let presence = if n % 2 == 0 { OwnPresence::Away } else { OwnPresence::Busy };
        centre.set_presence(presence, &format!("round {n}")).await?;
        let last = format!("round {n}");
        for fan in rim.iter_mut() {
            while !matches!(fan.hear().await?, FromServer::PresenceChanged(changed) if changed.text == last) {}
        }
    }
    Ok((CHANGES * FRIENDS) as f64 / (spent(server) - begun))
}
