//! `herald broadcast report`: one CSV line (RFC 4180) per recipient.
//! A message that was corrected or recalled has that outcome, with its time. Recipients are identified by ids; the text of messages is not included.

use std::io::Write;

use herald::aws::table::{BroadcastStore, SLICES};
use herald::broadcast::{BroadcastId, ReportEntry};

use super::CommandError;

/// Writes the report; returns `false` if the broadcast does not exist.
pub(super) async fn write(
    broadcasts: &BroadcastStore,
    named: &str,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let id = BroadcastId::named(named);
    if broadcasts.state(&id).await?.is_none() {
        return super::unknown(named, out);
    }
    let amendments = broadcasts.amendments(&id).await?;
    write!(out, "tenant,user,conversation,channel,outcome,reason,at,job\r\n")?;
    for slice in 0..SLICES {
        let mut after = None;
        loop {
            let page = broadcasts.report(&id, &amendments, slice, after).await?;
            for entry in &page.entries {
                write!(out, "{}\r\n", line(entry))?;
            }
            after = page.last;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(true)
}

/// Returns the CSV line of one recipient.
fn line(entry: &ReportEntry) -> String {
    let who = &entry.recipient;
    let text = |text: Option<&str>| field(text.unwrap_or_default());
    [
        text(who.tenant.as_ref().map(|tenant| tenant.as_str())),
        text(who.user.as_ref().map(|user| user.as_str())),
        text(who.reference.as_ref().map(|reference| reference.as_str())),
        text(who.channel.as_ref().map(|channel| channel.as_str())),
        field(entry.outcome.name()),
        text(entry.reason().as_deref()),
        format!("{:.3}", entry.at),
        field(entry.job.as_str()),
    ]
    .join(",")
}

/// Returns a CSV field, quoted if needed. A leading `'` keeps spreadsheets from evaluating it as a formula.
fn field(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t']) { "'" } else { "" };
    let text = format!("{guard}{text}");
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn field_is_quoted_and_never_a_formula() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(field("=1+1"), "'=1+1");
    }
}
