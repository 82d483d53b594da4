//! Programs of other people that judge what comes out. `scripts/test` installs them; without one, a test says so and
//! passes, unless `CRIEUR_TEST_STRICT` makes its absence a failure.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

pub fn missing(what: &str) {
    assert!(std::env::var_os("CRIEUR_TEST_STRICT").is_none(), "{what}: scripts/test sees to it");
    println!("skipped: {what}");
}

/// A program of the machine.
pub fn program(name: &str) -> Option<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        missing(&format!("{name} is not installed"));
    }
    found.map(Command::new)
}

/// A script of `tests/tools` in the Python that has the packages named there.
pub fn python(script: &str) -> Option<Command> {
    let Some(python) = std::env::var_os("CRIEUR_TEST_PYTHON") else {
        missing("CRIEUR_TEST_PYTHON names no Python with feedparser and redbot");
        return None;
    };
    let mut command = Command::new(python);
    command.arg(format!("tests/tools/{script}")).env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

/// A script of `tests/tools` in the Python that has Flask-WebSub.
pub fn websub(script: &str) -> Option<Command> {
    let Some(python) = std::env::var_os("CRIEUR_TEST_WEBSUB") else {
        missing("CRIEUR_TEST_WEBSUB names no Python with Flask-WebSub");
        return None;
    };
    let mut command = Command::new(python);
    command.arg(format!("tests/tools/{script}")).env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

/// A script of `tests/tools` in Node.js, with the folder that has the packages named there as its first argument.
/// Node.js is not asked for: most machines with Rust do without.
pub fn node(script: &str) -> Option<Command> {
    let Some(packages) = std::env::var_os("CRIEUR_TEST_NODE").map(PathBuf::from) else {
        println!("skipped: CRIEUR_TEST_NODE names no folder with feedsmith");
        return None;
    };
    let mut command = Command::new("node");
    command.arg(format!("tests/tools/{script}")).arg(packages);
    Some(command)
}

/// The same in Node.js with a browser, whose program is the second argument.
pub fn browser(script: &str) -> Option<Command> {
    let mut command = node(script)?;
    command.arg(program("chromium")?.get_program());
    Some(command)
}

/// A script of `tests/tools` in Node.js, with the folder that has Bluesky's own server as its first argument.
pub fn bluesky(script: &str) -> Option<Command> {
    let Some(packages) = std::env::var_os("CRIEUR_TEST_BLUESKY") else {
        missing("CRIEUR_TEST_BLUESKY names no folder with Bluesky's server");
        return None;
    };
    let mut command = Command::new(std::env::var_os("CRIEUR_TEST_BLUESKY_NODE").unwrap_or_else(|| "node".into()));
    command.arg(format!("tests/tools/{script}")).arg(packages);
    Some(command)
}

/// A script of `tests/tools` in the Python that has Synapse.
pub fn matrix(script: &str) -> Option<Command> {
    let Some(python) = std::env::var_os("CRIEUR_TEST_MATRIX") else {
        missing("CRIEUR_TEST_MATRIX names no Python with Synapse");
        return None;
    };
    let mut command = Command::new(python);
    command.arg(format!("tests/tools/{script}")).env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

/// A script of `tests/tools`, with the folder of PostgreSQL's programs as its first argument.
pub fn postgres(script: &str) -> Option<Command> {
    let Some(programs) = std::env::var_os("CRIEUR_TEST_POSTGRES") else {
        missing("CRIEUR_TEST_POSTGRES names no folder with the programs of PostgreSQL");
        return None;
    };
    let mut command = Command::new(format!("tests/tools/{script}"));
    command.arg(programs);
    Some(command)
}

/// The W3C's checker of HTML; the files to check are its arguments.
pub fn html_checker() -> Option<Command> {
    let Some(packages) = std::env::var_os("CRIEUR_TEST_NODE").map(PathBuf::from) else {
        println!("skipped: CRIEUR_TEST_NODE names no folder with vnu-jar");
        return None;
    };
    let mut command = program("java")?;
    command.arg("-jar").arg(packages.join("node_modules/vnu-jar/build/dist/vnu.jar"));
    command.args(["--Werror", "--stdout", "--format", "gnu"]);
    Some(command)
}

/// Runs a judge, with a text on its standard input, and stops with all that it said unless it is content. What it said.
pub fn judged(command: &mut Command, input: impl AsRef<[u8]>) -> String {
    let output = fed(command, input);
    let (said, cried) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let name = command.get_args().next().map_or_else(String::new, |script| script.to_string_lossy().into_owned());
    assert!(output.status.success(), "{} {name}: {}\n{said}{cried}", program_name(command), output.status);
    said.into_owned()
}

/// Runs a program with a text on its standard input.
pub fn fed(command: &mut Command, input: impl AsRef<[u8]>) -> Output {
    // A file, since a pipe that nobody empties would stop both.
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, input.as_ref()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    command.stdin(file).output().unwrap_or_else(|error| panic!("{}: {error}", program_name(command)))
}

fn program_name(command: &Command) -> String {
    OsStr::to_string_lossy(command.get_program()).into_owned()
}
