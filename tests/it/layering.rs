//! The house: a module uses only those above it in `lib.rs`, the core is pure, and only one place asks the time.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules in the order of `lib.rs`, and how many of them are the core.
fn order() -> (Vec<String>, usize) {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let mut modules = Vec::new();
    let mut core = 0;
    for line in lib.lines() {
        if line.starts_with("// ── seams") {
            core = modules.len();
        }
        if let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            modules.push(name.to_owned());
        }
    }
    assert!(core > 5 && modules.len() > core, "lib.rs says which modules are the core");
    (modules, core)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each source file of the library with the module it belongs to, its tests and comments left out.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    files(Path::new("src"), &mut found);
    found
        .into_iter()
        .filter(|path| !matches!(path.to_str(), Some("src/lib.rs" | "src/main.rs")))
        .map(|path| {
            let first = path.strip_prefix("src").unwrap().iter().next().unwrap().to_str().unwrap();
            let module = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let code: String = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .map(|line| format!("{line}\n"))
                .collect();
            (module, path, code)
        })
        .collect()
}

/// What is wrong with one file's code.
fn faults(module: &str, code: &str, modules: &[String], core: usize) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(own) = modules.iter().position(|name| name == module) else {
        return vec![format!("`{module}` is not in lib.rs")];
    };
    for part in code.split("crate::").skip(1) {
        let names: Vec<&str> = match part.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![part],
        };
        for name in names {
            let name = name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap();
            match modules.iter().position(|known| known == name) {
                Some(used) if used > own => faults.push(format!("uses `{name}`, which stands below it in lib.rs")),
                Some(_) => {}
                None => faults.push(format!("uses `crate::{name}`, which is no module of lib.rs")),
            }
        }
    }
    if code.contains("super::super") {
        faults.push("reaches up with super::super".to_owned());
    }
    if code.contains("::*;") {
        faults.push("imports everything of a module with a glob".to_owned());
    }
    if own < core {
        for forbidden in [
            "async fn",
            "tokio::",
            "reqwest::",
            "sqlx::",
            "rusqlite::",
            "std::fs",
            "std::net::Tcp",
            "std::thread",
            "std::process",
            "std::env",
            "tracing::",
        ] {
            if code.contains(forbidden) {
                faults.push(format!("is of the core and uses `{forbidden}`"));
            }
        }
    }
    if module != "clock" {
        for forbidden in ["Timestamp::now", "Zoned::now", "SystemTime::now", "Utc::now", "Local::now"] {
            if code.contains(forbidden) {
                faults.push(format!("asks the time with `{forbidden}`"));
            }
        }
    }
    faults
}

#[test]
fn every_module_uses_only_those_above_it_and_the_core_is_pure() {
    let (modules, core) = order();
    let mut all = Vec::new();
    for (module, path, code) in sources() {
        all.extend(
            faults(&module, &code, &modules, core).into_iter().map(|fault| format!("{} {fault}", path.display())),
        );
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn the_guard_sees_what_it_should() {
    let (modules, core) = order();
    for (module, code) in [
        ("feed", "use crate::store::Store;"),
        ("article", "use crate::{text::slug, daemon::Daemon};"),
        ("plan", "let now = jiff::Timestamp::now();"),
        ("post", "pub async fn compose() {}"),
        ("config", "let text = std::fs::read(path);"),
        ("http", "use super::super::daemon;"),
        ("http", "use crate::nowhere;"),
        ("catalog", "use crate::article::*;"),
    ] {
        assert!(!faults(module, code, &modules, core).is_empty(), "{module}: {code}");
    }
    assert!(faults("daemon", "use crate::store::Store;", &modules, core).is_empty());
}
