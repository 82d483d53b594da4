//! The `crieur` command. Everything is in the library; see `crieur::cli`.

use std::process::ExitCode;
use std::time::Duration;

/// How long work off the async threads (a folder on a network that does not answer) may hold up the end.
const LAST_WORK: Duration = Duration::from_secs(5);

/// Many small texts come and go on all cores when a site is read. On a large site the system's allocator keeps half as
/// much again; on a small one it is the thriftier (figures in `docs/performance.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "error: the program cannot start its threads: {error}");
            return ExitCode::from(1);
        }
    };
    let code = runtime.block_on(crieur::cli::main());
    runtime.shutdown_timeout(LAST_WORK);
    code
}
