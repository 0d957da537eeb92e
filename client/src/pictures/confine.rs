//! The process that decodes pictures gives up what it does not need, before it reads the first byte of one. Everything here holds for the
//! rest of its life and cannot be taken back by an ordinary user's process.

use std::collections::BTreeMap;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, Scope};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use rustix::thread::set_no_new_privs;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// Memory of its own, in bytes.
pub const MEMORY: u64 = 256 << 20;
/// All that it may see of memory, in bytes: with the program's libraries, which fill more or less of it on each system (73 MB on Debian 12), and
/// with what is shared, which is not counted as its own.
pub const SPACE: u64 = 2 * MEMORY;
/// Processor time, in seconds.
pub const SECONDS: u64 = 2;

/// The newest landlock that is asked for.
const NEWEST: ABI = ABI::V6;

/// What it may use, at most.
const LIMITS: [(Resource, u64); 7] = [
    (Resource::Data, MEMORY),
    (Resource::As, SPACE),
    (Resource::Cpu, SECONDS),
    // It writes to a pipe only, which is no file.
    (Resource::Fsize, 0),
    (Resource::Core, 0),
    // No process, no thread.
    (Resource::Nproc, 0),
    // What is open stays open; no file, socket or anything else can be opened any more.
    (Resource::Nofile, 0),
];

/// All that it may ask the kernel for: to read and write what is open, memory, the time, and its end. Anything else fails, by whatever door.
const CALLS: [libc::c_long; 24] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_gettid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A limit or a privilege.
    #[error("{0}")]
    Limit(#[from] Errno),
    /// Calls to the kernel.
    #[error("{0}")]
    Calls(#[from] seccompiler::Error),
    /// The filter of calls is not for this processor.
    #[error("{0}")]
    Filter(#[from] seccompiler::BackendError),
}

/// Refuses all calls to the kernel but [`CALLS`]: no other process can be read, changed or signalled, no file removed or renamed.
fn filter_calls() -> Result<(), ConfineError> {
    let allowed: BTreeMap<i64, _> = CALLS.into_iter().map(|call| (call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    let program: BpfProgram = SeccompFilter::new(allowed, refuse, SeccompAction::Allow, processor)?.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

/// No file may be opened, read or changed by its name, no TCP connection made or awaited, no process outside signalled: as much of it as the
/// kernel knows.
fn lock() -> Result<(), RulesetError> {
    let (files, network) = (AccessFs::from_all(NEWEST), AccessNet::from_all(NEWEST));
    let rules = Ruleset::default().handle_access(files)?.handle_access(network)?.scope(Scope::from_all(NEWEST))?;
    rules.create()?.restrict_self()?;
    Ok(())
}

/// Gives it up. The landlock is a second door behind the limits and may be missing from the kernel; everything else must hold.
pub fn confine() -> Result<(), ConfineError> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    set_no_new_privs(true)?;
    // Kernels without it, and sandboxes that forbid it, are no reason to show no pictures.
    let _locked = lock();
    for (resource, most) in LIMITS {
        // What is lower already cannot be raised.
        let most = getrlimit(resource).maximum.map_or(most, |now| now.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    // Behind it nothing more can be given up.
    filter_calls()
}
