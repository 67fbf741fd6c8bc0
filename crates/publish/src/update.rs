//! What the public is told at each state of an incident. Pure: the sentences are written here and hold nothing from
//! inside but the component's public title.
//!
//! Not the texts that people write: see [`crate::post`].

use serde::Serialize;
use watchkeeper_incident::IncidentState;

use crate::component::Impact;

/// The states of a public incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicState {
    /// It was noticed.
    Investigating,
    /// Somebody works on it.
    Identified,
    /// It should be over; it is watched.
    Monitoring,
    /// It is over.
    Resolved,
}

impl PublicState {
    /// What the public sees of an incident's state.
    #[must_use]
    pub fn of(state: IncidentState) -> Self {
        match state {
            IncidentState::Triggered => Self::Investigating,
            IncidentState::Acknowledged => Self::Identified,
            IncidentState::Mitigated => Self::Monitoring,
            IncidentState::Resolved | IncidentState::Closed => Self::Resolved,
        }
    }

    /// The word in rows and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_word(text: &str) -> Option<Self> {
        [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Investigating => "Investigating",
            Self::Identified => "Identified",
            Self::Monitoring => "Monitoring",
            Self::Resolved => "Resolved",
        }
    }
}

/// What was last published of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The state.
    pub state: PublicState,
    /// The impact.
    pub impact: Impact,
}

/// The sentence for a change from `before` (none: nothing was published) to the present state; none: nothing changed.
#[must_use]
pub fn sentence(component: &str, before: Option<Told>, now: Told) -> Option<String> {
    let Some(before) = before else {
        // What was over before anybody was told is not told.
        return (now.state != PublicState::Resolved).then(|| match now.impact {
            Impact::MajorOutage => format!("We are investigating an outage of {component}."),
            Impact::PartialOutage => format!("We are investigating why {component} does not work for some customers."),
            _ => format!("We are investigating why {component} works more slowly or less reliably than usual."),
        });
    };
    if before.state == now.state {
        let worse = now.impact > before.impact && now.state != PublicState::Resolved;
        let text = || format!("The problem with {component} has become worse. We are working on it.");
        return worse.then(text);
    }
    Some(match now.state {
        PublicState::Investigating if before.state == PublicState::Resolved => {
            format!("The problem with {component} has come back. We are investigating.")
        }
        PublicState::Investigating => format!("We are investigating the problem with {component} again."),
        PublicState::Identified => format!("We know of the problem with {component} and are working on it."),
        PublicState::Monitoring => format!("{component} should work again. We keep watching it."),
        PublicState::Resolved => format!("{component} works normally again."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn told(state: PublicState, impact: Impact) -> Told {
        Told { state, impact }
    }

    #[test]
    fn each_change_has_a_sentence_and_no_change_has_none() {
        use PublicState::{Identified, Investigating, Monitoring, Resolved};
        let major = Impact::MajorOutage;
        let first = sentence("Payments", None, told(Investigating, major)).unwrap();
        assert_eq!(first, "We are investigating an outage of Payments.");
        for (before, now) in
            [(Investigating, Identified), (Identified, Monitoring), (Monitoring, Resolved), (Resolved, Investigating)]
        {
            let text = sentence("Payments", Some(told(before, major)), told(now, major)).unwrap();
            assert!(text.contains("Payments"), "{text}");
            assert_eq!(sentence("Payments", Some(told(now, major)), told(now, major)), None);
        }
        assert_eq!(sentence("Payments", None, told(Resolved, major)), None);
    }

    #[test]
    fn only_a_worse_impact_is_news() {
        let at = |impact| told(PublicState::Identified, impact);
        assert!(sentence("P", Some(at(Impact::PartialOutage)), at(Impact::MajorOutage)).is_some());
        assert_eq!(sentence("P", Some(at(Impact::MajorOutage)), at(Impact::PartialOutage)), None);
    }
}
