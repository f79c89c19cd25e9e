//! Amendments: corrections and recalls of a broadcast, and the outcomes that they give to its recipients.
//! Does not read the reports of amendments.

use jiff::Timestamp;

use super::{BroadcastId, Kind, Outcome, ReportEntry, Spec};
use crate::jobs::JobId;

/// A correction or recall of a broadcast, or of a correction of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// The broadcast that corrects or recalls.
    pub id: BroadcastId,
    /// Time at which it was opened.
    pub opened: Timestamp,
    /// Outcome of the recipients whose message it changed: corrected or recalled.
    pub outcome: Outcome,
    /// Specs from the one that amends the broadcast itself to that of [`Self::id`], without their contents.
    path: Vec<Spec>,
}

impl Amendment {
    /// Returns the amendment `id` with this spec, opened at `opened`; `None` unless the spec corrects or recalls.
    ///
    /// `of` is the amendment that it amends, or `None` if it amends the broadcast itself.
    #[must_use]
    pub fn new(id: BroadcastId, spec: Spec, opened: Timestamp, of: Option<&Self>) -> Option<Self> {
        let outcome = match &spec.kind {
            Kind::Correct { .. } => Outcome::Corrected,
            Kind::Recall { .. } => Outcome::Recalled,
            Kind::Announce { .. } | Kind::Resend { .. } => return None,
        };
        let mut path = of.map(|of| of.path.clone()).unwrap_or_default();
        path.push(Spec { content: None, ..spec });
        Some(Self { id, opened, outcome, path })
    }

    /// Returns the job that amends the message of the delivery `delivery` of the broadcast.
    #[must_use]
    pub fn job(&self, delivery: &JobId) -> JobId {
        self.path.iter().fold(delivery.clone(), |job, spec| spec.job(job.as_str()))
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
