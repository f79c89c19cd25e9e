//! Cold-start figures of the release binaries as a table. It asserts no limits, because machines differ.

use support::function::{Figures, binary};

/// Starts of each binary; the median is printed.
pub(super) const STARTS: usize = 7;

/// Returns the table of the figures of `inbound`, `worker` and `proactive`.
pub(super) fn report(figures: &[Vec<Figures>; 3]) -> String {
    let mut lines = vec![format!(
        "{:<10} {:>8} {:>14} {:>16} {:>15} {:>17}",
        "", "size", "to first poll", "to first answer", "RSS at poll", "RSS after answer"
    )];
    for (name, figures) in ["inbound", "worker", "proactive"].into_iter().zip(figures) {
        let size = std::fs::metadata(binary(name)).unwrap().len();
        let [to_poll, to_answer] =
            [|f: &Figures| f.to_poll, |f: &Figures| f.to_answer].map(|of| median(figures.iter().map(of)));
        let [at_poll, after_answer] = [|f: &Figures| f.memory_at_poll, |f: &Figures| f.memory_after_answer]
            .map(|of| median(figures.iter().map(of)));
        assert!(to_poll < to_answer && at_poll > 0 && after_answer > 0, "{name}: a figure is missing");
        lines.push(format!(
            "{name:<10} {:>8} {:>11.1} ms {:>13.1} ms {:>15} {:>17}",
            megabytes(size),
            to_poll.as_secs_f64() * 1000.0,
            to_answer.as_secs_f64() * 1000.0,
            megabytes(at_poll),
            megabytes(after_answer),
        ));
    }
    lines.push(format!(
        "Times since exec, medians of {STARTS} starts. First answer: inbound's 202, worker's sent acknowledgement, \
         proactive's plan for everyone."
    ));
    lines.join("\n")
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<_> = values.collect();
    assert_eq!(values.len(), STARTS);
    values.sort_unstable();
    values[STARTS / 2]
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
