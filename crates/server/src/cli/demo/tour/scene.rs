//! The scenes: a fault and what must come of it.
//!
//! Not how it comes about: rules, routes and workflows are configuration.

/// A fault and what must come of it.
pub(super) struct Scene {
    /// The bank's fault.
    pub(super) fault: &'static str,
    /// What people see.
    pub(super) title: &'static str,
    /// The alert that must fire.
    pub(super) alert: &'static str,
    /// For which service; empty for alerts that are about none.
    pub(super) service: &'static str,
    /// What must be done about it.
    pub(super) handling: Handling,
    /// When the tour shows it; faults of one wave do not disturb each other.
    pub(super) wave: u8,
}

/// What must be done about it.
#[derive(PartialEq, Eq)]
pub(super) enum Handling {
    /// A workflow heals it.
    Healed,
    /// A workflow contains it, in a restricted security incident.
    Contained,
    /// People are called.
    HandedOver,
    /// A workflow tries, does not help, and hands over to people with what it tried.
    GivenUp,
}

pub(super) const SCENES: &[Scene] = &[
    Scene {
        fault: "kill-payments",
        title: "The payments service is killed",
        alert: "ServiceUnreachable",
        service: "payments",
        handling: Handling::Healed,
        wave: 2,
    },
    Scene {
        fault: "login-guessing",
        title: "Somebody guesses passwords",
        alert: "FailedLogins",
        service: "",
        handling: Handling::Contained,
        wave: 0,
    },
    Scene {
        fault: "slow-front",
        title: "The front page takes more than two seconds",
        alert: "PageLoadSlow",
        service: "",
        handling: Handling::HandedOver,
        wave: 0,
    },
    Scene {
        fault: "slow-queries",
        title: "Database queries take more than half a second",
        alert: "DatabaseSlowQueries",
        service: "accounts",
        handling: Handling::HandedOver,
        wave: 0,
    },
    Scene {
        fault: "api-errors",
        title: "One API call in five fails",
        alert: "ApiErrorRate",
        service: "front",
        handling: Handling::HandedOver,
        wave: 0,
    },
    Scene {
        fault: "secrets-slow",
        title: "The key vault is slow",
        alert: "SecretStoreSlow",
        service: "payments",
        handling: Handling::HandedOver,
        wave: 0,
    },
    Scene {
        fault: "pool-exhausted",
        title: "The connection pool is exhausted",
        alert: "DatabasePoolTimeouts",
        service: "accounts",
        handling: Handling::Healed,
        wave: 2,
    },
    Scene {
        fault: "payment-failures",
        title: "Payments are declined",
        alert: "PaymentFailures",
        service: "",
        handling: Handling::HandedOver,
        wave: 1,
    },
    Scene {
        fault: "secrets-refused",
        title: "The key vault refuses",
        alert: "SecretStoreRefuses",
        service: "payments",
        handling: Handling::HandedOver,
        wave: 1,
    },
    Scene {
        fault: "payments-broken",
        title: "Payments is broken, and a restart does not help",
        alert: "ServiceUnreachable",
        service: "payments",
        handling: Handling::GivenUp,
        wave: 3,
    },
];
