//! The faults that can be switched on, and the set of those that are on in this process.
//! What a fault does stands where it strikes (`accounts`, `front`, …); this is the catalogue, not the effect.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// One thing that can go wrong, by the name that people type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The payments process is killed with SIGKILL.
    KillPayments,
    /// `front` answers 500 to one API call in five.
    ApiErrors,
    /// Balance queries take longer than 500 ms while they hold their connection.
    SlowQueries,
    /// All connections of the accounts pool are held.
    PoolExhausted,
    /// Somebody guesses passwords from 127.0.66.6.
    LoginGuessing,
    /// Pages take longer than two seconds.
    SlowFront,
    /// The vault answers slowly.
    SecretsSlow,
    /// The vault refuses.
    SecretsRefused,
    /// A share of the payments is declined; HTTP stays 200.
    PaymentFailures,
    /// `payments` runs but answers 500 to everything, its health check included.
    PaymentsBroken,
}

impl Fault {
    /// Every fault, in the order in which lists show them.
    pub const ALL: [Self; 10] = [
        Self::KillPayments,
        Self::ApiErrors,
        Self::SlowQueries,
        Self::PoolExhausted,
        Self::LoginGuessing,
        Self::SlowFront,
        Self::SecretsSlow,
        Self::SecretsRefused,
        Self::PaymentFailures,
        Self::PaymentsBroken,
    ];

    /// The name in URLs and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KillPayments => "kill-payments",
            Self::ApiErrors => "api-errors",
            Self::SlowQueries => "slow-queries",
            Self::PoolExhausted => "pool-exhausted",
            Self::LoginGuessing => "login-guessing",
            Self::SlowFront => "slow-front",
            Self::SecretsSlow => "secrets-slow",
            Self::SecretsRefused => "secrets-refused",
            Self::PaymentFailures => "payment-failures",
            Self::PaymentsBroken => "payments-broken",
        }
    }

    /// Finds a fault by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// A short title for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::KillPayments => "Payments process killed",
            Self::ApiErrors => "API errors",
            Self::SlowQueries => "Slow queries",
            Self::PoolExhausted => "Connection pool exhausted",
            Self::LoginGuessing => "Password guessing",
            Self::SlowFront => "Slow pages",
            Self::SecretsSlow => "Key vault slow",
            Self::SecretsRefused => "Key vault refuses",
            Self::PaymentFailures => "Payments declined",
            Self::PaymentsBroken => "Payments broken",
        }
    }

    /// One line: what really happens.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::KillPayments => {
                "SIGKILL to the payments process; connections to it are refused until somebody starts it"
            }
            Self::ApiErrors => "front answers 500 to 20 % of the API calls",
            Self::SlowQueries => "balance queries in accounts take 700 ms and hold their connection meanwhile",
            Self::PoolExhausted => "all connections of the accounts pool are held; requests wait 1 s and get 503",
            Self::LoginGuessing => "a client at 127.0.66.6 guesses passwords, three a second",
            Self::SlowFront => "front takes 2.4 s longer for each page",
            Self::SecretsSlow => "the vault takes 800 ms to hand out a secret; payments wait for it",
            Self::SecretsRefused => "the vault answers 403; no payment can be signed",
            Self::PaymentFailures => "30 % of the payments are declined by the payment network; HTTP stays 200",
            Self::PaymentsBroken => {
                "payments answers 500 to everything and fails its health check; a restart does not help"
            }
        }
    }

    /// The alert category that the fault stands for, in Watchkeeper's words.
    #[must_use]
    pub fn category(self) -> &'static str {
        match self {
            Self::KillPayments => "resource",
            Self::SlowQueries | Self::PoolExhausted => "database",
            Self::SecretsSlow | Self::SecretsRefused => "keyvault",
            Self::ApiErrors | Self::SlowFront | Self::PaymentsBroken => "application",
            Self::LoginGuessing => "security",
            Self::PaymentFailures => "business",
        }
    }
}

/// The faults that are on.
pub type FaultSet = BTreeSet<Fault>;

/// A view of the faults that are on in this process; it follows the supervisor's word.
#[derive(Debug, Clone)]
pub struct Faults(watch::Receiver<FaultSet>);

impl Faults {
    /// A view and the end that changes it.
    #[must_use]
    pub fn channel(initial: FaultSet) -> (watch::Sender<FaultSet>, Self) {
        let (sender, receiver) = watch::channel(initial);
        (sender, Self(receiver))
    }

    /// Whether `fault` is on now.
    #[must_use]
    pub fn is_on(&self, fault: Fault) -> bool {
        self.0.borrow().contains(&fault)
    }

    /// Returns when `fault` is on (`wanted`) or off; never, when nobody is left who could change it.
    pub async fn wait_until(&mut self, fault: Fault, wanted: bool) {
        if self.0.wait_for(|set| set.contains(&fault) == wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_the_name_that_json_and_the_command_line_use() {
        for fault in Fault::ALL {
            assert_eq!(Fault::from_name(fault.name()), Some(fault));
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.name());
            let value = clap::ValueEnum::to_possible_value(&fault).unwrap();
            assert_eq!(value.get_name(), fault.name());
        }
        assert_eq!(Fault::ALL.iter().collect::<BTreeSet<_>>().len(), Fault::ALL.len());
    }
}
