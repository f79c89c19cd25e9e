//! Prints the report of the doctor: one line per finding, the fix below a failed one, and the totals.
//! It runs no check.

use std::io::{self, Write};

use herald::aws::diagnostics::{Finding, Outcome};

use crate::printable::printable;

/// Writes findings and counts them.
pub struct Report<'a> {
    out: &'a mut dyn Write,
    color: Color,
    has_sections: bool,
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// The style of the marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// No color.
    Plain,
    /// Colored marks, for a terminal.
    Ansi,
}

impl<'a> Report<'a> {
    /// Returns an empty report that is written to `out`.
    pub fn new(out: &'a mut dyn Write, color: Color) -> Self {
        Self { out, color, has_sections: false, passed: 0, failed: 0, skipped: 0 }
    }

    /// Starts a section.
    pub(super) fn heading(&mut self, title: &str) -> io::Result<()> {
        if std::mem::replace(&mut self.has_sections, true) {
            writeln!(self.out)?;
        }
        writeln!(self.out, "{}\n", printable(title))?;
        self.out.flush()
    }

    /// Writes one line per finding, and the fix of a failed one.
    pub(super) fn write(&mut self, findings: &[Finding]) -> io::Result<()> {
        for Finding { what, outcome } in findings {
            let what = printable(what);
            match outcome {
                Outcome::Passed(detail) => {
                    self.passed += 1;
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

    /// Writes the totals; returns `false` if a check failed.
    pub(super) fn end(self) -> io::Result<bool> {
        let Self { out, passed, failed, skipped, .. } = self;
        let skipped = if skipped == 0 { String::new() } else { format!(" {skipped} skipped.") };
        writeln!(out, "\n{passed} of {} checks passed.{skipped}", passed + failed)?;
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
        let mut report = Report::new(&mut out, color);
        report.write(findings).unwrap();
        let passed = report.end().unwrap();
        (String::from_utf8(out).unwrap(), passed)
    }

    #[test]
    fn findings_are_lines_and_a_failure_has_its_fix_below() {
        let findings = [
            Finding::passed("clock", "agrees"),
            Finding::failed("table", "it is\u{1b}[2J gone\n", "bring it back"),
            Finding::skipped("token", "needs CLIENT_ID"),
        ];

        let (text, passed) = written(Color::Plain, &findings);

        assert_eq!(
            text,
            "✓ clock: agrees\n✗ table: it is [2J gone \n    fix: bring it back\n– token: needs CLIENT_ID\n\n\
             1 of 2 checks passed. 1 skipped.\n"
        );
        assert!(!passed);
    }

    #[test]
    fn only_marks_are_colored_and_a_skipped_check_is_no_failure() {
        let (text, passed) = written(Color::Ansi, &[Finding::passed("a", "b"), Finding::skipped("c", "d")]);

        assert!(text.starts_with("\u{1b}[32m✓\u{1b}[0m a: b\n"), "{text}");
        assert!(passed);
    }
}
