//! Annotations of GitHub Actions: one workflow command a line. In a property `%`, line ends, `:` and `,` are encoded; in
//! the message `%` and line ends (as the toolkit of GitHub's own actions does it).

use crate::problem::{Problem, Severity};

/// The command that shows a problem at its place, in a file as the repository names it.
pub fn annotation(problem: &Problem, file: &str) -> String {
    let word = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut place = format!("file={}", property(file));
    if problem.line > 0 {
        place.push_str(&format!(",line={},col={}", problem.line, problem.column.max(1)));
    }
    format!("::{word} {place},title={}::{}", property(problem.kind), data(&problem.sentence()))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Place;

    #[test]
    fn nothing_that_an_editor_writes_starts_another_command() {
        let problem = Problem::error("x", Place { line: 3, column: 7 }, "50 % : a, b\n::error::no").cure("mend\r\nit");
        assert_eq!(
            annotation(&problem, "a,b:c%\n.md"),
            "::error file=a%2Cb%3Ac%25%0A.md,line=3,col=7,title=other-error::50 %25 : a, b%0A::error::no; mend%0D%0Ait"
        );
        let whole = Problem::note("x", Place::default(), "y").kind("future-date");
        assert_eq!(annotation(&whole, "x"), "::notice file=x,title=future-date::y");
    }
}
