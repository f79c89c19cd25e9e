//! The report: one line for each finding, the fix below what failed, and a sum.
//! It judges nothing.

use std::io::{self, Write};

use herald::aws::diagnostics::{Finding, Outcome};

use crate::printable::printable;

/// Where findings are written, and how many of them held.
pub struct Report<'a> {
    out: &'a mut dyn Write,
    color: Color,
    is_begun: bool,
    held: usize,
    failed: usize,
    skipped: usize,
}

/// Whether marks are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Text alone.
    Plain,
    /// The marks in colour, for a terminal.
    Ansi,
}

impl<'a> Report<'a> {
    /// An empty report.
    pub fn new(out: &'a mut dyn Write, color: Color) -> Self {
        Self { out, color, is_begun: false, held: 0, failed: 0, skipped: 0 }
    }

    /// Begins a part.
    pub(super) fn heading(&mut self, title: &str) -> io::Result<()> {
        if std::mem::replace(&mut self.is_begun, true) {
            writeln!(self.out)?;
        }
        writeln!(self.out, "{}\n", printable(title))?;
        self.out.flush()
    }

    /// Writes findings.
    pub(super) fn write(&mut self, findings: &[Finding]) -> io::Result<()> {
        for Finding { what, outcome } in findings {
            let what = printable(what);
            match outcome {
                Outcome::Passed(detail) => {
                    self.held += 1;
                    self.line("✓", "32", &format!("{what}: {}", printable(detail)))?;
                }
                Outcome::Failed { cause, fix } => {
                    self.failed += 1;
                    self.line("✗", "31", &format!("{what}: {}", printable(cause)))?;
                    writeln!(self.out, "    fix: {}", printable(fix))?;
                }
                Outcome::Skipped(why) => {
                    self.skipped += 1;
                    self.line("–", "2", &format!("{what}: {}", printable(why)))?;
                }
            }
        }
        self.out.flush()
    }

    /// Writes the sum; whether nothing failed.
    pub(super) fn end(self) -> io::Result<bool> {
        let Self { out, held, failed, skipped, .. } = self;
        let left_out = match skipped {
            0 => String::new(),
            1 => " One was not made.".to_owned(),
            more => format!(" {more} were not made."),
        };
        writeln!(out, "\n{held} of {} checks hold.{left_out}", held + failed)?;
        out.flush()?;
        Ok(failed == 0)
    }

    fn line(&mut self, mark: &str, code: &str, text: &str) -> io::Result<()> {
        match self.color {
            Color::Plain => writeln!(self.out, "{mark} {text}"),
            Color::Ansi => writeln!(self.out, "\x1b[{code}m{mark}\x1b[0m {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(color: Color, findings: &[Finding]) -> (String, bool) {
        let mut out = Vec::new();
        let mut sheet = Report::new(&mut out, color);
        sheet.write(findings).unwrap();
        let holds = sheet.end().unwrap();
        (String::from_utf8(out).unwrap(), holds)
    }

    #[test]
    fn each_finding_is_a_line_and_the_fix_stands_below() {
        let findings = [
            Finding::passed("clock", "agrees"),
            Finding::failed("table", "it is\u{1b}[2J gone\n", "bring it back"),
            Finding::skipped("token", "it takes CLIENT_ID"),
        ];

        let (text, holds) = written(Color::Plain, &findings);

        assert_eq!(
            text,
            "✓ clock: agrees\n✗ table: it is [2J gone \n    fix: bring it back\n– token: it takes CLIENT_ID\n\n\
             1 of 2 checks hold. One was not made.\n"
        );
        assert!(!holds);
    }

    #[test]
    fn only_marks_are_coloured_and_what_was_not_made_is_no_failure() {
        let (text, holds) = written(Color::Ansi, &[Finding::passed("a", "b"), Finding::skipped("c", "d")]);

        assert!(text.starts_with("\u{1b}[32m✓\u{1b}[0m a: b\n"), "{text}");
        assert!(holds);
    }
}
