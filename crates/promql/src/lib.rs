//! PromQL: parses expressions and evaluates them over any [`SeriesSource`], with the meaning of Prometheus 3.
//!
//! Not a server and not a store: no IO, no clock, no async. Callers say the moment, the source and the [`Limits`].
//!
//! Flow: [`Expr::parse`] gives a checked tree (`ast`). [`instant`] and [`range`] walk it once for the whole window:
//! every node answers for all steps at a time, as a table of rows by steps (`value`), so each selector is fetched once.
//! Functions are listed in `function`, aggregations in `aggregation`, binary operators live in `operator`.
//!
//! Guarantees: time and memory are bounded by [`Limits`] and by the caps on expressions; an error names the
//! sub-expression that it is about, and a remark ([`Annotation`]) its place in the text.
//!
//! [`SeriesSource`]: watchkeeper_domain::query::SeriesSource

mod aggregation;
mod annotation;
pub mod anomaly;
mod answer;
mod ast;
pub mod band;
mod compensated;
mod engine;
mod error;
mod expr;
pub mod forecast;
mod function;
mod grouping;
mod histogram;
mod limits;
mod operator;
mod order;
mod parse;
pub mod script;
mod selector;
mod smoothing;
mod value;
mod window;

pub use annotation::{Annotation, Annotations, Severity};
pub use answer::{Answer, Entry, Point};
pub use engine::{evaluate_instant, instant, instant_answer, range, range_answer};
pub use error::{Diagnostic, EvalError, ParseError, line_and_column};
pub use expr::{Comparison, ComparisonOp, Expr, Learnt, Selector};
pub use histogram::added;
pub use limits::{Limits, Settings, UnknownHistory};
