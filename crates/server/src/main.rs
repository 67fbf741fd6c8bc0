//! The `watchkeeper` program.
//!
//! Not more than the entry point: see `watchkeeper_server::cli`.

fn main() -> std::process::ExitCode {
    watchkeeper_server::cli::main()
}
