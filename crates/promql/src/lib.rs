//! PromQL: parses expressions and evaluates them over any [`SeriesSource`], with the meaning of Prometheus 3.
//!
//! Not a server and not a store: no IO, no clock, no async. Callers say the moment, the source and the [`Limits`].
//!
//! Flow: [`Expr::parse`] gives a checked tree (`ast`). [`instant`] and [`range`] walk it once for the whole window:
//! every node answers for all steps at a time, as a table of rows by steps (`value`), so each selector is fetched once.
//! Functions are listed in `function`, aggregations in `aggregation`, binary operators live in `operator`.
//!
//! Guarantees: time and memory are bounded by [`Limits`] and by the caps on expressions; what is not supported is
//! refused by an error that names the sub-expression, it never gives a wrong number. Native histograms and `info()`
//! are refused in this way.
//!
//! [`SeriesSource`]: watchkeeper_domain::query::SeriesSource

mod aggregation;
mod annotation;
mod ast;
mod compensated;
mod engine;
mod error;
mod expr;
mod function;
mod grouping;
mod limits;
mod operator;
mod order;
mod parse;
pub mod script;
mod selector;
mod value;
mod window;

pub use annotation::{Annotation, Annotations, Severity};
pub use engine::{instant, range};
pub use error::{EvalError, ParseError};
pub use expr::{Comparison, ComparisonOp, Expr, Selector};
pub use limits::Limits;
