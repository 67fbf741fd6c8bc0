//! The public status page: components, current incidents, updates, history; as HTML, JSON and a feed.
//!
//! What is promised: a security incident is never published; and no text of an alert, no label and no host name ever is,
//! because every public sentence is written here or by a person for the public.
//!
//! Not the console, and not the incidents themselves: this crate reads them and writes `status_update`.
#![warn(missing_docs)]

pub mod component;
pub mod error;
pub mod feed;
pub mod html;
pub mod page;
pub mod post;
pub mod reconcile;
pub mod summary;
pub mod update;

pub use component::Impact;
pub use error::Error;
pub use page::Page;
pub use reconcile::StatusReconciler;
pub use update::PublicState;

/// The page's stylesheet, to be served beside it: the page needs no inline style and no script.
pub const CSS: &str = include_str!("../templates/status.css");

#[cfg(test)]
mod tests;
