//! The `crieur` command. Everything is in the library; see `crieur::cli`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    crieur::cli::main().await
}
