//! Places at which a test lets the process die as if its power were cut.

/// Ends the process on the spot if the environment's `CRIEUR_CRASH_AT` names this place. Only in builds with debug
/// assertions; the code around it is the same in all builds.
pub fn crash_point(name: &str) {
    if cfg!(debug_assertions) && std::env::var("CRIEUR_CRASH_AT").is_ok_and(|wanted| wanted == name) {
        std::process::abort();
    }
}
