//! Bars for transfers, for a person at a terminal: what `--progress` shows on standard error, in place of `file_progress` events.

use std::collections::HashMap;
use std::io::IsTerminal;

use hobnob_client::core::event::Event;
use hobnob_shared::id::TransferId;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bars that are remembered; a person looks at fewer.
const BARS: usize = 100;
/// Longest name in front of a bar, in characters.
const NAME: usize = 28;
const STYLE: &str = "{prefix:28} {bar:24} {decimal_bytes:>10} of {decimal_total_bytes:<10} {msg}";

/// See the module.
pub struct Progress {
    all: MultiProgress,
    bars: HashMap<TransferId, ProgressBar>,
    names: HashMap<TransferId, (String, u64)>,
}

impl Progress {
    /// Bars on standard error; none where that is no terminal, so that scripts get the events.
    pub fn on_terminal() -> Option<Self> {
        std::io::stderr().is_terminal().then(|| Self::on(ProgressDrawTarget::stderr()))
    }

    fn on(target: ProgressDrawTarget) -> Self {
        Self { all: MultiProgress::with_draw_target(target), bars: HashMap::new(), names: HashMap::new() }
    }

    /// Looks at an event that is about to be printed; false for those that a bar shows instead.
    pub fn shows(&mut self, event: &Event) -> bool {
        match event {
            Event::FileOffered { transfer, name, size, .. } => {
                self.name(*transfer, name, *size);
                true
            }
            Event::FileProgress { transfer, done, size, rate, .. } => {
                if let Some(bar) = self.bar(*transfer, *size) {
                    bar.set_position(*done);
                    bar.set_message(said(*done, *size, *rate));
                }
                false
            }
            Event::FileFinished { transfer, path, size, text, .. } => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                self.name(*transfer, &name, *size);
                self.end(*transfer, text.as_deref().unwrap_or("whole and verified"));
                true
            }
            Event::FileFailed { transfer, code, .. } => {
                self.end(*transfer, code);
                true
            }
            _ => true,
        }
    }

    /// Prints something else without a bar in it.
    pub fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }

    fn name(&mut self, transfer: TransferId, name: &str, size: u64) {
        if self.names.len() >= BARS {
            self.names.retain(|id, _| self.bars.contains_key(id));
        }
        // What others call their files is shown without what moves cursors or turns text around.
        let visible = |c: char| if c.is_control() || ('\u{200b}'..='\u{206f}').contains(&c) { '?' } else { c };
        let name: String = name.chars().map(visible).take(NAME).collect();
        self.names.insert(transfer, (name.clone(), size));
        if let Some(bar) = self.bars.get(&transfer) {
            bar.set_prefix(name);
        }
    }

    fn bar(&mut self, transfer: TransferId, size: u64) -> Option<&ProgressBar> {
        if !self.bars.contains_key(&transfer) {
            if self.bars.len() >= BARS {
                return None;
            }
            let style = ProgressStyle::with_template(STYLE).ok()?.progress_chars("━╸ ");
            let bar = self.all.add(ProgressBar::new(size).with_style(style));
            let known = self.names.get(&transfer).map(|(name, _)| name.clone());
            bar.set_prefix(known.unwrap_or_else(|| transfer.to_string().chars().take(NAME).collect()));
            self.bars.insert(transfer, bar);
        }
        self.bars.get(&transfer)
    }

    fn end(&mut self, transfer: TransferId, word: &str) {
        self.names.remove(&transfer);
        if let Some(bar) = self.bars.remove(&transfer) {
            bar.abandon_with_message(word.to_owned());
        }
    }
}

/// The rate and the time that is left, as far as is known.
fn said(done: u64, size: u64, rate: u64) -> String {
    if rate == 0 {
        return String::new();
    }
    let left = std::time::Duration::from_secs(size.saturating_sub(done) / rate);
    format!("{}/s, {} left", indicatif::DecimalBytes(rate), indicatif::HumanDuration(left))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use indicatif::InMemoryTerm;

    #[test]
    fn a_transfer_has_a_bar_from_its_first_byte_to_its_end() {
        let terminal = InMemoryTerm::new(10, 120);
        let mut progress = Progress::on(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        let transfer = TransferId::new();
        let (conversation, from) = ("@bob".parse().unwrap(), "bob".parse().unwrap());
        let name = "a\u{202e}gpj.exe".to_owned();
        assert!(progress.shows(&Event::FileOffered {
            transfer,
            conversation,
            from,
            name,
            size: 4_000_000,
            files: None
        }));
        let half = Event::FileProgress { transfer, done: 2_000_000, size: 4_000_000, rate: 1_000_000, by: None };
        assert!(!progress.shows(&half), "a bar in its place");
        let shown = terminal.contents();
        assert!(shown.contains("a?gpj.exe") && shown.contains("1.00 MB/s, 2 seconds left"), "{shown}");
        let text = "You cancelled the transfer.".to_owned();
        assert!(progress.shows(&Event::FileFailed { transfer, code: "cancelled".to_owned(), text, by: None }));
        assert!(terminal.contents().contains("cancelled"), "{}", terminal.contents());
        assert!(progress.bars.is_empty());
    }
}
