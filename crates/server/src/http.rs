//! Everything that answers HTTP: telemetry in, the API, the console, the status page, Slack's buttons.
//!
//! Not what the answers are made of: handlers translate between requests and the crates below, and stay short.

pub mod access;
pub mod alertmanager;
pub mod alerts;
pub mod app_insights;
pub mod backtests;
pub mod body;
pub mod calendar;
pub mod changes;
pub mod chart;
pub mod console;
pub mod deliveries;
pub mod demo;
pub mod drills;
pub mod dto;
pub mod events;
pub mod explore;
pub mod extract;
pub mod grpc;
pub mod heartbeats;
pub mod incidents;
pub mod incoming;
pub mod ingest;
pub mod ledger;
pub mod listen;
pub mod now;
pub mod oncall;
pub mod openapi;
pub mod page;
pub mod phone;
pub mod post_mortem;
pub mod problem;
pub mod prometheus;
pub mod router;
pub mod routing;
pub mod rule_groups;
pub mod rules;
pub mod silences;
pub mod slack;
pub mod status_page;
pub mod targets;
pub mod telemetry;
pub mod workflows;
