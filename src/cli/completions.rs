//! `crieur completions SHELL`: what a shell needs to complete commands.

use super::{Arguments, Fail, print};
use clap::CommandFactory;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The shell: bash, zsh, fish, elvish or powershell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(options: &Options) -> Result<(), Fail> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "crieur", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}
