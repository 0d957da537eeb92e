//! Why a file does not go on: the code that scripts see, the code for the other side, and the sentence for people.

use std::io;

use hobnob_shared::error::WireCode;
use rustix::io::Errno;

/// A reason, with whose fault it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The user's: nothing at that path.
    #[error("nothing at that path")]
    NotFound,
    /// The user's: a folder with more in it than can be sent at once.
    #[error("too much in the folder")]
    TooMuch,
    /// The user's: a disk that takes too long to show what is to be sent.
    #[error("the disk is too slow")]
    TooSlow,
    /// The user's: the profile of this account, or a folder with it inside.
    #[error("keys of this account in it")]
    OwnProfile,
    /// The user's: a pipe, a device, a socket.
    #[error("not a regular file")]
    NotAFile,
    /// The user's: no right to read it, or the disk cannot.
    #[error("file cannot be read")]
    Unreadable,
    /// The file is not the one that was offered any more.
    #[error("file changed while it was sent")]
    SourceChanged,
    /// The file is gone.
    #[error("file is gone")]
    SourceGone,
    /// No room here.
    #[error("no room on the disk")]
    DiskFull,
    /// This program, or the machine, has as many files open as it may.
    #[error("too many open files")]
    OutOfFiles,
    /// The folder cannot be written to.
    #[error("folder not writable")]
    NotWritable,
    /// Something else stands at exactly the place that was chosen.
    #[error("name taken")]
    NameTaken,
    /// There is no such folder.
    #[error("folder is missing")]
    FolderMissing,
    /// The folder is another one than when the file was accepted.
    #[error("folder was replaced")]
    FolderReplaced,
    /// The other side's: no name can be made of it.
    #[error("file name cannot be used")]
    BadName,
    /// The other side's: the bytes are not what was announced.
    #[error("bytes do not match their hash")]
    HashMismatch,
    /// What had arrived was changed here by somebody else.
    #[error("what had arrived was changed on this disk")]
    ChangedHere,
    /// The other side's: it broke the rules of the stream.
    #[error("broken stream: {0}")]
    Protocol(&'static str),
    /// The other side ended it, and said why.
    #[error("the other side ended it: {0}")]
    Peer(WireCode),
    /// Ours.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl Why {
    /// Trouble while writing here.
    pub fn at_writing(error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            Some(Errno::MFILE | Errno::NFILE) => Self::OutOfFiles,
            Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Self::DiskFull,
            Some(Errno::NOENT | Errno::NOTDIR) => Self::FolderMissing,
            _ => Self::NotWritable,
        }
    }

    /// It passes by itself: trying again later is worth it.
    pub fn passes(&self) -> bool {
        matches!(self, Self::OutOfFiles | Self::Internal(_))
    }

    /// Stable code for scripts.
    pub fn code(&self) -> String {
        match self {
            Self::NotFound => "not_found".into(),
            Self::TooMuch => "too_much".into(),
            Self::TooSlow => "too_slow".into(),
            Self::ChangedHere => "changed_here".into(),
            Self::OutOfFiles => "out_of_files".into(),
            Self::OwnProfile => "own_profile".into(),
            Self::NotAFile => "not_a_file".into(),
            Self::Unreadable => "unreadable".into(),
            Self::NameTaken => "name_taken".into(),
            Self::FolderMissing => "folder_missing".into(),
            Self::FolderReplaced => "folder_replaced".into(),
            other => other.wire().name().to_owned(),
        }
    }

    /// What the other side is told.
    pub fn wire(&self) -> WireCode {
        match self {
            Self::NotFound
            | Self::TooMuch
            | Self::TooSlow
            | Self::OwnProfile
            | Self::NotAFile
            | Self::Unreadable
            | Self::SourceGone => WireCode::SourceGone,
            Self::SourceChanged => WireCode::SourceChanged,
            Self::DiskFull => WireCode::DiskFull,
            Self::NotWritable | Self::NameTaken | Self::FolderMissing | Self::FolderReplaced | Self::ChangedHere => {
                WireCode::NotWritable
            }
            Self::BadName => WireCode::BadName,
            Self::HashMismatch => WireCode::HashMismatch,
            Self::Protocol(_) => WireCode::BadRequest,
            Self::Peer(code) => code.clone(),
            Self::OutOfFiles | Self::Internal(_) => WireCode::Internal,
        }
    }

    /// What a person is told; `peer` is the friend at the other end.
    pub fn sentence(&self, peer: &dyn std::fmt::Display) -> String {
        match self {
            Self::NotFound => "There is no file at that path.".into(),
            Self::TooMuch => {
                "There is more in the folder than can be sent at once: 100,000 files, 32 folders deep. Send parts of it.".into()
            }
            Self::TooSlow => {
                "The disk takes too long to show what is in there. Copy it to this computer, or send parts of it.".into()
            }
            Self::OwnProfile => "The keys of your account are in there. They are not for others.".into(),
            Self::NotAFile => "Only ordinary files can be sent, not pipes, devices or sockets.".into(),
            Self::Unreadable => "The file cannot be read. Check its permissions.".into(),
            Self::SourceChanged => "The file changed while it was being sent. Send it again.".into(),
            Self::SourceGone => "What was to be sent is no longer where it was, or cannot be read any more. Put it back, then resume.".into(),
            Self::DiskFull => "There is not enough room on the disk. Free some space, then try again.".into(),
            Self::OutOfFiles => "Too many files are open on this computer right now. Try again in a moment.".into(),
            Self::NotWritable => {
                "The folder cannot be written to. Check its permissions, or save the file elsewhere.".into()
            }
            Self::NameTaken => "Something of that name is there already. Choose another name.".into(),
            Self::FolderMissing => "The folder does not exist. Make it again, or save the file elsewhere.".into(),
            Self::FolderReplaced => {
                "The folder was replaced by another one while the file arrived. Resume to save it there.".into()
            }
            Self::BadName => "The file's name cannot be used.".into(),
            Self::HashMismatch => format!("What {peer} sent is not what was announced. It was not kept."),
            Self::ChangedHere => {
                "What had arrived so far was changed on this disk by something else. Resume to receive it again.".into()
            }
            Self::Protocol(_) => format!("{peer}'s program broke the rules of the transfer. It was stopped."),
            Self::Peer(code) => peer_sentence(code, peer),
            Self::Internal(_) => "Something went wrong in this program. Resume to try again.".into(),
        }
    }
}

fn peer_sentence(code: &WireCode, peer: &dyn std::fmt::Display) -> String {
    match code {
        WireCode::Declined => format!("{peer} declined it."),
        WireCode::Cancelled => format!("{peer} cancelled the transfer."),
        WireCode::Paused => format!("{peer} paused the transfer."),
        WireCode::SourceChanged => {
            format!("The file changed on {peer}'s side while it was being sent. Ask {peer} to send it again.")
        }
        WireCode::SourceGone => format!(
            "It is no longer there, or cannot be read, on {peer}'s side. It goes on once {peer} has put it back."
        ),
        WireCode::HashMismatch => format!("What arrived at {peer} is not what was announced."),
        WireCode::DiskFull => format!("{peer}'s disk is full."),
        WireCode::NotWritable => format!("{peer} cannot write to the folder for the file."),
        WireCode::BadName => format!("{peer} cannot use the file's name."),
        WireCode::NotFound => format!("{peer} no longer has this transfer."),
        WireCode::Full => format!("Too many files wait for an answer from {peer}."),
        other => format!("{peer} ended the transfer ({other})."),
    }
}
