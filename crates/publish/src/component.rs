//! How well a component works, in the words that customers of other status pages know.
//!
//! Not a measurement: it follows from the priority of open incidents.

use serde::Serialize;
use watchkeeper_domain::Priority;

/// How well a component works; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    /// As it should.
    Operational,
    /// Slower or less reliably than usual.
    DegradedPerformance,
    /// Not for everybody, or not in every part.
    PartialOutage,
    /// Not at all.
    MajorOutage,
}

impl Impact {
    /// What an open incident of this priority means for its component.
    #[must_use]
    pub fn of(priority: Priority) -> Self {
        match priority {
            Priority::Critical => Self::MajorOutage,
            Priority::High => Self::PartialOutage,
            Priority::Medium | Priority::Low => Self::DegradedPerformance,
        }
    }

    /// The word in rows and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::DegradedPerformance => "degraded_performance",
            Self::PartialOutage => "partial_outage",
            Self::MajorOutage => "major_outage",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_word(text: &str) -> Option<Self> {
        [Self::Operational, Self::DegradedPerformance, Self::PartialOutage, Self::MajorOutage]
            .into_iter()
            .find(|impact| impact.as_str() == text)
    }

    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Operational => "Operational",
            Self::DegradedPerformance => "Degraded performance",
            Self::PartialOutage => "Partial outage",
            Self::MajorOutage => "Major outage",
        }
    }

    /// A sign beside the word: state is never told by colour alone.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Operational => "✓",
            Self::DegradedPerformance => "◔",
            Self::PartialOutage => "◑",
            Self::MajorOutage => "✕",
        }
    }

    /// The page's indicator and an incident's impact: `none`, `minor`, `major` or `critical`.
    #[must_use]
    pub fn indicator(self) -> &'static str {
        match self {
            Self::Operational => "none",
            Self::DegradedPerformance => "minor",
            Self::PartialOutage => "major",
            Self::MajorOutage => "critical",
        }
    }
}
