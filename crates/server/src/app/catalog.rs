//! What series there are, for rules that select none of them.
//!
//! Not a query: all that is stored is looked at, whatever the moment.

use std::sync::Arc;

use watchkeeper_detect::never::Catalog;
use watchkeeper_domain::Matcher;
use watchkeeper_domain::labels::NAME;
use watchkeeper_store::Store;

/// From long ago to long hence; halves, so that nobody's arithmetic on them overflows.
const ALWAYS: (i64, i64) = (i64::MIN / 2, i64::MAX / 2);

/// The catalog of the telemetry store.
pub(super) struct StoreCatalog(pub(super) Arc<Store>);

impl Catalog for StoreCatalog {
    fn metrics(&self) -> Vec<String> {
        self.label_values(&[], NAME)
    }

    fn any(&self, matchers: &[Matcher]) -> bool {
        !self.0.series(matchers, ALWAYS.0, ALWAYS.1).is_empty()
    }

    fn label_names(&self, matchers: &[Matcher]) -> Vec<String> {
        self.0.label_names(matchers, ALWAYS.0, ALWAYS.1).iter().map(ToString::to_string).collect()
    }

    fn label_values(&self, matchers: &[Matcher], label: &str) -> Vec<String> {
        self.0.label_values(label, matchers, ALWAYS.0, ALWAYS.1).iter().map(ToString::to_string).collect()
    }
}
