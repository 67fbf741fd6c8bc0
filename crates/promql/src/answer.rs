//! What an evaluation answers with, native histograms included.
//!
//! Not JSON: the server writes that. `domain::query::Instant` is the same without histograms.

use std::sync::Arc;

use watchkeeper_domain::histogram::Histogram;
use watchkeeper_domain::labels::Labels;
use watchkeeper_domain::query::{Element, Instant, SeriesData, SeriesPoints};

/// A number or a native histogram.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The labels, without the metric name where the expression drops it.
    pub labels: Labels,
    /// The value.
    pub value: Point,
}

/// An instant query's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A number.
    Scalar(f64),
    /// A text.
    Text(String),
    /// One value a series.
    Vector(Vec<Entry>),
    /// A window a series.
    Matrix(Vec<SeriesPoints>),
}

/// An answer has native histograms where only numbers are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HasHistograms;

impl Answer {
    /// The same without native histograms, as a comparison with a number leaves it.
    #[must_use]
    pub fn without_histograms(self) -> Instant {
        match self {
            Self::Scalar(v) => Instant::Scalar(v),
            Self::Text(text) => Instant::Text(text),
            Self::Vector(entries) => {
                let element = |entry: Entry| match entry.value {
                    Point::Float(value) => Some(Element { labels: entry.labels, value }),
                    Point::Histogram(_) => None,
                };
                Instant::Vector(entries.into_iter().filter_map(element).collect())
            }
            Self::Matrix(series) => {
                let numbers = |s: SeriesPoints| SeriesData { labels: s.labels, samples: s.samples };
                Instant::Matrix(series.into_iter().map(numbers).filter(|s| !s.samples.is_empty()).collect())
            }
        }
    }

    /// The same in numbers only.
    pub(crate) fn floats(self) -> Result<Instant, HasHistograms> {
        Ok(match self {
            Self::Scalar(v) => Instant::Scalar(v),
            Self::Text(text) => Instant::Text(text),
            Self::Vector(entries) => {
                let element = |entry: Entry| match entry.value {
                    Point::Float(value) => Ok(Element { labels: entry.labels, value }),
                    Point::Histogram(_) => Err(HasHistograms),
                };
                Instant::Vector(entries.into_iter().map(element).collect::<Result<_, _>>()?)
            }
            Self::Matrix(series) => Instant::Matrix(floats(series)?),
        })
    }
}

/// Series in numbers only.
pub(crate) fn floats(series: Vec<SeriesPoints>) -> Result<Vec<SeriesData>, HasHistograms> {
    let plain = |s: SeriesPoints| {
        if s.histograms.is_empty() {
            Ok(SeriesData { labels: s.labels, samples: s.samples })
        } else {
            Err(HasHistograms)
        }
    };
    series.into_iter().map(plain).collect()
}
