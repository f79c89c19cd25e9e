//! Amendments: corrections and recalls of a broadcast, and the outcomes that they give to its recipients.
//! Does not read the reports of amendments.

use jiff::Timestamp;

use super::{BroadcastId, Kind, Outcome, ReportEntry, Spec};

/// A correction or recall of a broadcast, or of a correction of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// The broadcast that corrects or recalls.
    pub id: BroadcastId,
    /// Time at which it was opened.
    pub opened: Timestamp,
    /// Outcome of the recipients whose message it changed: corrected or recalled.
    pub outcome: Outcome,
}

impl Amendment {
    /// Returns the amendment `id` with this spec, opened at `opened`; `None` unless the spec corrects or recalls.
    ///
    /// Its deliveries have the jobs of the deliveries that they amend.
    #[must_use]
    pub fn new(id: BroadcastId, spec: &Spec, opened: Timestamp) -> Option<Self> {
        let outcome = match &spec.kind {
            Kind::Correct { .. } => Outcome::Corrected,
            Kind::Recall { .. } => Outcome::Recalled,
            Kind::Announce { .. } | Kind::Resend { .. } => return None,
        };
        Some(Self { id, opened, outcome })
    }
}

impl ReportEntry {
    /// Returns the entry as changed by `amendments`, each with its entry for this recipient.
    ///
    /// The last one that was delivered decides; of two at one time a recall. One that was not delivered changes nothing.
    #[must_use]
    pub fn amended<'a>(self, amendments: impl IntoIterator<Item = (&'a Amendment, &'a Self)>) -> Self {
        if self.outcome != Outcome::Delivered {
            return self;
        }
        let delivered = amendments.into_iter().filter(|(_, entry)| entry.outcome == Outcome::Delivered);
        let last = delivered.max_by_key(|(amendment, entry)| {
            (entry.at, amendment.outcome == Outcome::Recalled, amendment.opened)
        });
        match last {
            Some((amendment, entry)) => Self { outcome: amendment.outcome, at: entry.at, ..self },
            None => self,
        }
    }
}
