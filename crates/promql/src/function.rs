//! Functions: the table of all of them with their arguments, and the call.
//!
//! Not their bodies: one file each, where a body is more than an expression.

mod absent;
mod anomaly;
mod band;
pub(crate) mod calendar;
mod call;
mod changes;
mod clamp;
mod clock;
mod delta;
mod double_exponential_smoothing;
mod ends_of_range;
mod extended;
mod extrapolation;
mod forecast;
mod histogram;
mod histogram_change;
mod histogram_fraction;
mod histogram_quantile;
mod increase;
mod info;
mod instant_change;
mod label_join;
mod label_replace;
mod mad_over_time;
mod mean_and_sum;
mod moment_of_extremum;
mod pairwise;
mod quantile_over_time;
mod rate;
mod regression;
mod resets;
mod round;
mod scalar;
mod sort;
mod start_of_counting;
mod timestamp;
mod trigonometry;

pub(crate) use call::{Call, Notes, evaluate};
use watchkeeper_domain::histogram::Histogram;

use crate::aggregation::{extremum, variance};
use crate::ast::{Kind, Node};
use crate::error::EvalError;
use crate::histogram::distribution;
use crate::value::{Cell, Value};
use crate::window::Window;

/// How a function works.
pub(crate) enum Eval {
    /// Number by number; native histograms are left out.
    Map(fn(f64) -> f64),
    /// A figure of each native histogram; numbers are left out.
    OfHistogram(fn(&Histogram) -> f64),
    /// Window by window, on the numbers in it; native histograms beside them get a remark. The metric name goes.
    Floats(fn(&Window<'_>) -> Option<f64>),
    /// Window by window; the metric name goes.
    Window(fn(&Window<'_>, &mut Notes<'_, '_>) -> Option<Cell>),
    /// Window by window; the values are still the metric's, so its name stays.
    NamedWindow(fn(&Window<'_>, &mut Notes<'_, '_>) -> Option<Cell>),
    /// Window by window, meant for counters: a metric that is not named like one gets a remark.
    CounterWindow(fn(&Window<'_>, &mut Notes<'_, '_>) -> Option<Cell>),
    /// All by itself.
    Custom(fn(&mut Call<'_, '_>) -> Result<Value, EvalError>),
}

/// One function.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    args: &'static [Kind],
    /// How many of `args` must be given.
    required: usize,
    /// Whether the last of `args` may be given any number of times.
    repeats: bool,
    pub(crate) returns: Kind,
    eval: Eval,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const SCALAR: Kind = Kind::Scalar;
const TEXT: Kind = Kind::Text;
const VECTOR: Kind = Kind::Vector;
const MATRIX: Kind = Kind::Matrix;

/// A function with a fixed number of arguments that answers with an instant vector.
const fn fixed(name: &'static str, args: &'static [Kind], eval: Eval) -> Function {
    Function { name, args, required: args.len(), repeats: false, returns: VECTOR, eval }
}

/// A function of which only the first arguments are required.
const fn optional(name: &'static str, args: &'static [Kind], required: usize, eval: Eval) -> Function {
    Function { name, args, required, repeats: false, returns: VECTOR, eval }
}

/// A function whose last argument repeats.
const fn variadic(name: &'static str, args: &'static [Kind], required: usize, eval: Eval) -> Function {
    Function { name, args, required, repeats: true, returns: VECTOR, eval }
}

/// A function that answers with a scalar.
const fn number(name: &'static str, args: &'static [Kind], eval: Eval) -> Function {
    Function { name, args, required: args.len(), repeats: false, returns: SCALAR, eval }
}

static TABLE: &[Function] = &[
    // Numbers.
    fixed("abs", &[VECTOR], Eval::Map(f64::abs)),
    fixed("ceil", &[VECTOR], Eval::Map(f64::ceil)),
    fixed("floor", &[VECTOR], Eval::Map(f64::floor)),
    fixed("exp", &[VECTOR], Eval::Map(f64::exp)),
    fixed("ln", &[VECTOR], Eval::Map(f64::ln)),
    fixed("log2", &[VECTOR], Eval::Map(f64::log2)),
    fixed("log10", &[VECTOR], Eval::Map(f64::log10)),
    fixed("sqrt", &[VECTOR], Eval::Map(f64::sqrt)),
    fixed("sgn", &[VECTOR], Eval::Map(round::sign)),
    fixed("deg", &[VECTOR], Eval::Map(trigonometry::degrees)),
    fixed("rad", &[VECTOR], Eval::Map(trigonometry::radians)),
    fixed("sin", &[VECTOR], Eval::Map(f64::sin)),
    fixed("cos", &[VECTOR], Eval::Map(f64::cos)),
    fixed("tan", &[VECTOR], Eval::Map(f64::tan)),
    fixed("asin", &[VECTOR], Eval::Map(f64::asin)),
    fixed("acos", &[VECTOR], Eval::Map(f64::acos)),
    fixed("atan", &[VECTOR], Eval::Map(f64::atan)),
    fixed("sinh", &[VECTOR], Eval::Map(f64::sinh)),
    fixed("cosh", &[VECTOR], Eval::Map(f64::cosh)),
    fixed("tanh", &[VECTOR], Eval::Map(f64::tanh)),
    fixed("asinh", &[VECTOR], Eval::Map(f64::asinh)),
    fixed("acosh", &[VECTOR], Eval::Map(f64::acosh)),
    fixed("atanh", &[VECTOR], Eval::Map(f64::atanh)),
    optional("round", &[VECTOR, SCALAR], 1, Eval::Custom(round::round)),
    fixed("clamp", &[VECTOR, SCALAR, SCALAR], Eval::Custom(clamp::clamp)),
    fixed("clamp_min", &[VECTOR, SCALAR], Eval::Custom(clamp::clamp_min)),
    fixed("clamp_max", &[VECTOR, SCALAR], Eval::Custom(clamp::clamp_max)),
    // Counters and gauges over time.
    fixed("rate", &[MATRIX], Eval::CounterWindow(rate::rate)),
    fixed("increase", &[MATRIX], Eval::CounterWindow(increase::increase)),
    fixed("delta", &[MATRIX], Eval::Window(delta::delta)),
    fixed("irate", &[MATRIX], Eval::Window(instant_change::irate)),
    fixed("idelta", &[MATRIX], Eval::Window(instant_change::idelta)),
    fixed("resets", &[MATRIX], Eval::Window(resets::resets)),
    fixed("changes", &[MATRIX], Eval::Window(changes::changes)),
    fixed("deriv", &[MATRIX], Eval::Floats(regression::deriv)),
    fixed("predict_linear", &[MATRIX, SCALAR], Eval::Custom(regression::predict_linear)),
    fixed(
        "double_exponential_smoothing",
        &[MATRIX, SCALAR, SCALAR],
        Eval::Custom(double_exponential_smoothing::double_exponential_smoothing),
    ),
    // Aggregation over time.
    fixed("avg_over_time", &[MATRIX], Eval::Window(mean_and_sum::avg_over_time)),
    fixed("sum_over_time", &[MATRIX], Eval::Window(mean_and_sum::sum_over_time)),
    fixed("count_over_time", &[MATRIX], Eval::Window(ends_of_range::count)),
    fixed("present_over_time", &[MATRIX], Eval::Window(|_, _| Some(Cell::Float(1.0)))),
    fixed("min_over_time", &[MATRIX], Eval::Floats(|w| Some(extremum::min(w.values())))),
    fixed("max_over_time", &[MATRIX], Eval::Floats(|w| Some(extremum::max(w.values())))),
    fixed("first_over_time", &[MATRIX], Eval::NamedWindow(ends_of_range::first)),
    fixed("last_over_time", &[MATRIX], Eval::NamedWindow(ends_of_range::last)),
    fixed("stddev_over_time", &[MATRIX], Eval::Floats(|w| Some(variance::over_time(w.values()).sqrt()))),
    fixed("stdvar_over_time", &[MATRIX], Eval::Floats(|w| Some(variance::over_time(w.values())))),
    fixed("mad_over_time", &[MATRIX], Eval::Floats(mad_over_time::mad_over_time)),
    fixed("quantile_over_time", &[SCALAR, MATRIX], Eval::Custom(quantile_over_time::quantile_over_time)),
    fixed("ts_of_min_over_time", &[MATRIX], Eval::Floats(moment_of_extremum::of_min)),
    fixed("ts_of_max_over_time", &[MATRIX], Eval::Floats(moment_of_extremum::of_max)),
    fixed("ts_of_first_over_time", &[MATRIX], Eval::Window(ends_of_range::time_of_first)),
    fixed("ts_of_last_over_time", &[MATRIX], Eval::Window(ends_of_range::time_of_last)),
    // What history says: ours, not Prometheus's.
    fixed("wk_band_upper", &[MATRIX, TEXT], Eval::Custom(band::upper)),
    fixed("wk_band_lower", &[MATRIX, TEXT], Eval::Custom(band::lower)),
    fixed("wk_band_middle", &[MATRIX, TEXT], Eval::Custom(band::middle)),
    optional("wk_band_breaches", &[MATRIX, TEXT, SCALAR, TEXT], 3, Eval::Custom(band::breaches)),
    fixed("wk_anomaly_score", &[MATRIX], Eval::Floats(anomaly::score)),
    optional("wk_forecast", &[MATRIX, SCALAR, SCALAR], 2, Eval::Custom(forecast::forecast)),
    optional("wk_time_to_limit", &[MATRIX, SCALAR, SCALAR], 2, Eval::Custom(forecast::time_to_limit)),
    // Presence.
    fixed("absent", &[VECTOR], Eval::Custom(absent::absent)),
    fixed("absent_over_time", &[MATRIX], Eval::Custom(absent::absent_over_time)),
    // Histograms.
    fixed("histogram_quantile", &[SCALAR, VECTOR], Eval::Custom(histogram_quantile::histogram_quantile)),
    variadic("histogram_quantiles", &[VECTOR, TEXT, SCALAR], 3, Eval::Custom(histogram_quantile::histogram_quantiles)),
    fixed("histogram_fraction", &[SCALAR, SCALAR, VECTOR], Eval::Custom(histogram_fraction::histogram_fraction)),
    fixed("histogram_avg", &[VECTOR], Eval::OfHistogram(|h| h.sum / h.count)),
    fixed("histogram_count", &[VECTOR], Eval::OfHistogram(|h| h.count)),
    fixed("histogram_sum", &[VECTOR], Eval::OfHistogram(|h| h.sum)),
    fixed("histogram_stddev", &[VECTOR], Eval::OfHistogram(|h| distribution::variance(h).sqrt())),
    fixed("histogram_stdvar", &[VECTOR], Eval::OfHistogram(distribution::variance)),
    // Labels and order.
    fixed("label_replace", &[VECTOR, TEXT, TEXT, TEXT, TEXT], Eval::Custom(label_replace::label_replace)),
    variadic("label_join", &[VECTOR, TEXT, TEXT, TEXT], 3, Eval::Custom(label_join::label_join)),
    optional("info", &[VECTOR, VECTOR], 1, Eval::Custom(info::info)),
    fixed("sort", &[VECTOR], Eval::Custom(sort::sort)),
    fixed("sort_desc", &[VECTOR], Eval::Custom(sort::sort_desc)),
    variadic("sort_by_label", &[VECTOR, TEXT], 1, Eval::Custom(sort::sort_by_label)),
    variadic("sort_by_label_desc", &[VECTOR, TEXT], 1, Eval::Custom(sort::sort_by_label_desc)),
    // Types.
    number("scalar", &[VECTOR], Eval::Custom(scalar::scalar)),
    fixed("vector", &[SCALAR], Eval::Custom(scalar::vector)),
    number("pi", &[], Eval::Custom(scalar::pi)),
    number("max_of", &[SCALAR, SCALAR], Eval::Custom(scalar::max_of)),
    number("min_of", &[SCALAR, SCALAR], Eval::Custom(scalar::min_of)),
    // Time.
    number("time", &[], Eval::Custom(clock::time)),
    number("start", &[], Eval::Custom(clock::start)),
    number("end", &[], Eval::Custom(clock::end)),
    number("step", &[], Eval::Custom(clock::step)),
    number("range", &[], Eval::Custom(clock::range)),
    fixed("timestamp", &[VECTOR], Eval::Custom(timestamp::timestamp)),
    fixed("start_timestamp", &[VECTOR], Eval::Custom(timestamp::start_timestamp)),
    optional("minute", &[VECTOR], 0, Eval::Custom(|c| clock::of_time(c, |date| date.minute))),
    optional("hour", &[VECTOR], 0, Eval::Custom(|c| clock::of_time(c, |date| date.hour))),
    optional("day_of_week", &[VECTOR], 0, Eval::Custom(|c| clock::of_time(c, |date| date.day_of_week))),
    optional("day_of_month", &[VECTOR], 0, Eval::Custom(|c| clock::of_time(c, |date| date.day))),
    optional("day_of_year", &[VECTOR], 0, Eval::Custom(|c| clock::of_time(c, |date| date.day_of_year))),
    optional("days_in_month", &[VECTOR], 0, Eval::Custom(|c| clock::of_time(c, |date| date.days_in_month))),
    optional("month", &[VECTOR], 0, Eval::Custom(|c| clock::of_time(c, |date| date.month))),
    optional("year", &[VECTOR], 0, Eval::Custom(|c| clock::of_time(c, |date| date.year))),
];

/// Finds a function. `holt_winters` is the name that Prometheus 2 had for `double_exponential_smoothing`.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let name = if name == "holt_winters" { "double_exponential_smoothing" } else { name };
    TABLE.iter().find(|f| f.name == name)
}

impl Function {
    /// Whether the arguments fit; else which one does not, if it is one, and what is wrong.
    pub(crate) fn check(&self, args: &[Node]) -> Result<(), (Option<usize>, String)> {
        let most = if self.repeats { usize::MAX } else { self.args.len() };
        if args.len() < self.required || args.len() > most {
            let wanted = match (self.required, most) {
                (least, most) if least == most => format!("{least}"),
                (least, _) if args.len() < least => format!("at least {least}"),
                (_, most) => format!("at most {most}"),
            };
            let (name, given) = (self.name, args.len());
            return Err((None, format!("expected {wanted} argument(s) in call to {name:?}, got {given}")));
        }
        for (at, arg) in args.iter().enumerate().filter(|(_, arg)| !arg.is_broken()) {
            let wanted = self.args.get(at).or(self.args.last());
            if let Some(wanted) = wanted.filter(|wanted| **wanted != arg.kind()) {
                let (name, given) = (self.name, arg.kind());
                return Err((Some(at), format!("expected type {wanted} in call to function {name:?}, got {given}")));
            }
        }
        band::check(self.name, args)
    }

    /// Whether the answer moves with the clock alone.
    pub(crate) fn reads_clock(&self, args: usize) -> bool {
        match self.name {
            "time" | "start" | "end" | "absent" | "absent_over_time" | "predict_linear" => true,
            "minute" | "hour" | "day_of_week" | "day_of_month" | "day_of_year" | "days_in_month" | "month" | "year" => {
                args == 0
            }
            _ => false,
        }
    }
}
