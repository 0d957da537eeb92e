//! A conversation as a file that other programs read: read from the disk a piece at a time, written in the background, and under its name
//! only once it is whole. Asked for by the `Registry`; what a piece looks like is pure.
//!
//! - [`file`]: the file and its name. [`entry`]: what is known of each line, and when it was.
//! - [`text`], [`json`], [`html`]: the three kinds of files.

mod entry;
mod file;
mod html;
mod json;
mod text;

use std::path::PathBuf;

use hobnob_shared::id::{ConversationId, Handle};
use serde::Deserialize;

use crate::core::event::MessageInfo;
use crate::core::history::{History, HistoryError};

use entry::{Entry, Files, Head};
use file::Target;
pub use file::Trouble;

/// Messages read at once: some hundred kilobytes as a rule, so that nobody who reads the history meanwhile waits for long.
const PIECE: usize = 500;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Lines to read anywhere.
    Text,
    /// For programs: everything that is known of each message.
    Json,
    /// A page to read in a browser, without anything from elsewhere in it.
    Html,
}

/// How messages from the disk are told.
pub type Told = Box<dyn Fn(Vec<MessageInfo>) -> Vec<MessageInfo> + Send>;

/// What is to be exported, and where to.
pub struct Wish {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Whose copy it is.
    pub own: Handle,
    /// The file to be.
    pub path: PathBuf,
    /// No file of ours comes in there.
    pub profile: PathBuf,
    /// What kind.
    pub format: Format,
    /// It may take the place of another file.
    pub overwrite: bool,
    /// See there.
    pub told: Told,
}

/// What a kind of file looks like: pieces of it, in order.
trait Shape: Send {
    /// Its beginning.
    fn begin(&mut self, head: &Head, out: &mut String);
    /// A line: a message or a file.
    fn entry(&mut self, head: &Head, entry: &Entry, out: &mut String);
    /// Its end.
    fn end(&mut self, head: &Head, out: &mut String);
}

fn shape(format: Format) -> Box<dyn Shape> {
    match format {
        Format::Text => Box::new(text::Text::default()),
        Format::Json => Box::new(json::Json::default()),
        Format::Html => Box::new(html::Html::default()),
    }
}

/// Writes the whole conversation. Tells how many messages it has, and where the file is.
pub async fn run(history: &History, wish: Wish) -> Result<(u64, PathBuf), Trouble> {
    let Wish { conversation, own, path, profile, format, overwrite, told } = wish;
    let mut target = blocking(move || Target::create(&path, &profile, overwrite)).await?;
    let name = conversation.clone();
    let (head, mut files) = history.read_all(move |c| Ok((Head::read(c, &name, own)?, Files::read(c, &name)?))).await?;
    let mut shape = shape(format);
    let (mut count, mut last, mut out) = (0_u64, None::<MessageInfo>, String::new());
    shape.begin(&head, &mut out);
    loop {
        let (name, from) = (conversation.clone(), last.clone());
        let mut piece = history.read_all(move |c| entry::piece(c, &name, from.as_ref(), PIECE)).await?;
        let infos = told(piece.iter_mut().map(|said| said.info.clone()).collect());
        let is_end = piece.len() < PIECE;
        last = infos.last().cloned().or(last);
        for (mut said, info) in piece.into_iter().zip(infos) {
            for file in files.before(info.beside()) {
                shape.entry(&head, &Entry::File(file), &mut out);
            }
            said.info = info;
            shape.entry(&head, &Entry::Said(said), &mut out);
            count += 1;
        }
        if is_end {
            break;
        }
        let bytes = std::mem::take(&mut out);
        target = blocking(move || target.write(bytes.as_bytes())).await?;
    }
    for file in files.before(u64::MAX) {
        shape.entry(&head, &Entry::File(file), &mut out);
    }
    shape.end(&head, &mut out);
    let path = blocking(move || target.write(out.as_bytes())?.place()).await?;
    Ok((count, path))
}

/// The disk may be slow, and the core waits for nothing.
async fn blocking<T: Send + 'static>(job: impl FnOnce() -> Result<T, Trouble> + Send + 'static) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(job).await.unwrap_or(Err(Trouble::History(HistoryError::Closed)))
}

#[cfg(test)]
mod tests;
