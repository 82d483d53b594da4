//! What may take its time is done on a thread that may wait, so that none that serves others has to.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinError, spawn_blocking, yield_now};

/// Does something that waits for the disk, or reckons for long. A runtime of one thread does it where it stands, and lets
/// its other tasks go on before it hears of it: to hand that to another thread takes longer than most of it.
///
/// Errors: what was to be done panicked (on a runtime of one thread the panic goes on), or the process is ending.
pub async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => {
            let done = work();
            yield_now().await;
            Ok(done)
        }
        _ => spawn_blocking(work).await,
    }
}
