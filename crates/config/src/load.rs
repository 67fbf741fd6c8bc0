//! Loading: the main file, the files that it names, and everything that is wrong with any of them.
//!
//! Not watching for changes: a reload loads again and compares.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchkeeper_domain::Code;

use crate::decode::{At, Context, FromNode};
use crate::diagnostic::{self, Diagnostic};
use crate::file::main::MainFile;
use crate::file::rule::{ExprProblem, GroupsSeen, RuleFile};
use crate::file::rule_test::TestFile;
use crate::file::workflow::{self, WorkflowFile};
use crate::model::Config;
use crate::model::rule_test::RuleTestFile;
use crate::place::{Place, SourceFile, Style};
use crate::source::{self, Source};
use crate::yaml::{self, Kind, Node};

/// A configuration, and what is worth a look about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// It was taken all the same.
    pub warnings: Vec<Diagnostic>,
}

/// Loads a main file and the files that it names. On failure gives all problems that were found, ordered by place.
///
/// `check_expr` says whether a text is PromQL; this crate does not know the language.
pub fn load(
    main_file: &Path,
    source: &dyn Source,
    check_expr: &dyn Fn(&str) -> Result<(), ExprProblem>,
) -> Result<Loaded, Vec<Diagnostic>> {
    let base = main_file.parent().unwrap_or(Path::new(""));
    let mut cx = Context::new(source, base);
    let root = match read(main_file, &cx) {
        Ok(root) => root,
        Err(problem) => {
            cx.error(*problem);
            return Err(finish(cx).1);
        }
    };
    let root = crate::alertmanager::merge(root, &mut cx);
    let main = match MainFile::from_node(&root, &mut cx) {
        Some(main) => main,
        None => return Err(finish(cx).1),
    };
    // Rules and workflows have `${…}` of their own.
    cx.resolves = false;
    let mut rules = Vec::new();
    for (node, _) in files(main.rule_files.as_ref().map_or(&[][..], |l| &l.0), "rule", &mut cx) {
        rules.extend(RuleFile::from_node(&node, &mut cx));
    }
    let mut workflows: Vec<WorkflowFile> = Vec::new();
    for (node, _) in files(main.workflow_files.as_ref().map_or(&[][..], |l| &l.0), "workflow", &mut cx) {
        workflows.extend(workflow::read(&node, &mut cx));
    }
    let config = main.build(&rules, &workflows, check_expr, &mut cx);
    let (warnings, errors) = finish(cx);
    if errors.is_empty() { Ok(Loaded { config, warnings }) } else { Err(errors) }
}

/// The configuration of no file at all.
#[must_use]
pub fn defaults() -> Config {
    let mut cx = Context::new(&Nothing, Path::new(""));
    let file = Arc::new(SourceFile::new("", ""));
    let main = MainFile::from_node(&empty(&file), &mut cx).expect("no key of the main file is required");
    main.build(&[], &[], &|_| Ok(()), &mut cx)
}

/// A rule file alone, as `check rules` and tests read it.
pub fn load_rules(
    files: &[PathBuf],
    source: &dyn Source,
    check_expr: &dyn Fn(&str) -> Result<(), ExprProblem>,
) -> Result<(Vec<crate::model::RuleGroup>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut cx = Context::new(source, Path::new(""));
    cx.resolves = false;
    let mut seen = GroupsSeen::default();
    let mut groups = Vec::new();
    for file in files {
        match read(file, &cx) {
            Ok(node) => {
                if let Some(file) = RuleFile::from_node(&node, &mut cx) {
                    groups.extend(file.build(&mut seen, check_expr, &mut cx));
                }
            }
            Err(problem) => cx.error(*problem),
        }
    }
    let (warnings, errors) = finish(cx);
    if errors.is_empty() { Ok((groups, warnings)) } else { Err(errors) }
}

/// A rule file that is no file: a text with one group, as people write it in the console. `before` are the groups that
/// were loaded already, whose names its rules' ids have to be told apart from.
pub fn load_rule_text(
    shown: &str,
    text: &str,
    before: &[crate::model::RuleGroup],
    check_expr: &dyn Fn(&str) -> Result<(), ExprProblem>,
) -> Result<(crate::model::RuleGroup, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut cx = Context::new(&Nothing, Path::new(""));
    cx.resolves = false;
    let mut seen = GroupsSeen::default();
    for group in before {
        seen.prefix(&group.name);
    }
    let mut groups = Vec::new();
    if text.len() as u64 > source::MAX_FILE {
        let message = format!("the text is larger than {} bytes", source::MAX_FILE);
        cx.error(Diagnostic::about_file(Code::ConfigUnreadable, shown, message));
        return Err(finish(cx).1);
    }
    let file = Arc::new(SourceFile::new(shown, text));
    match yaml::parse(&file).map(|node| node.unwrap_or_else(|| empty(&file))) {
        Ok(node) => {
            if let Some(file) = RuleFile::from_node(&node, &mut cx) {
                groups = file.build(&mut seen, check_expr, &mut cx);
            }
        }
        Err(problem) => cx.error(*problem),
    }
    let one = if groups.len() == 1 { groups.pop() } else { None };
    if one.is_none() && cx.errors.is_empty() {
        let message = format!("there must be one group in it, not {}", groups.len());
        cx.error(
            Diagnostic::about_file(Code::ConfigInvalidValue, shown, message).help("write `groups:` with one group"),
        );
    }
    let (warnings, errors) = finish(cx);
    match one {
        Some(group) if errors.is_empty() => Ok((group, warnings)),
        _ => Err(errors),
    }
}

/// A file of unit tests for rules, with the rule files that it names.
pub fn load_rule_tests(
    path: &Path,
    source: &dyn Source,
    check_expr: &dyn Fn(&str) -> Result<(), ExprProblem>,
) -> Result<(RuleTestFile, Vec<Diagnostic>), Vec<Diagnostic>> {
    let base = path.parent().unwrap_or(Path::new(""));
    let mut cx = Context::new(source, base);
    cx.resolves = false;
    let root = match read(path, &cx) {
        Ok(root) => root,
        Err(problem) => {
            cx.error(*problem);
            return Err(finish(cx).1);
        }
    };
    let Some(tests) = TestFile::from_node(&root, &mut cx) else { return Err(finish(cx).1) };
    let (mut groups, mut seen) = (Vec::new(), GroupsSeen::default());
    for (node, _) in files(tests.rule_files.as_ref().map_or(&[][..], |l| &l.0), "rule", &mut cx) {
        if let Some(file) = RuleFile::from_node(&node, &mut cx) {
            groups.extend(file.build(&mut seen, check_expr, &mut cx));
        }
    }
    let tests = tests.build(groups, &mut cx);
    let (warnings, errors) = finish(cx);
    if errors.is_empty() { Ok((tests, warnings)) } else { Err(errors) }
}

/// Where nothing is.
struct Nothing;

impl Source for Nothing {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
    fn list(&self, _: &Path) -> std::io::Result<Vec<(String, bool)>> {
        Ok(Vec::new())
    }
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

/// Warnings and errors in order, with literal secrets covered in the text around them.
pub(crate) fn finish(cx: Context<'_>) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
    let Context { mut errors, mut warnings, secrets, .. } = cx;
    diagnostic::seal(&mut errors, &secrets);
    diagnostic::seal(&mut warnings, &secrets);
    let order = |d: &Diagnostic| (d.file.clone(), d.line, d.column);
    errors.sort_by_key(order);
    warnings.sort_by_key(order);
    (warnings, errors)
}

fn empty(file: &Arc<SourceFile>) -> Node {
    let place = Place { file: Arc::clone(file), start: 0, end: 0, style: Style::None };
    Node { place, kind: Kind::Mapping(Vec::new()) }
}

pub(crate) fn read(path: &Path, cx: &Context<'_>) -> Result<Node, Box<Diagnostic>> {
    let shown = path.display().to_string();
    let text = cx.source.read(path).map_err(|e| {
        let help = match e.kind() {
            std::io::ErrorKind::NotFound => "check the path; it is relative to the file that names it",
            std::io::ErrorKind::PermissionDenied => "let the server's user read it",
            _ => "it must be a text file in UTF-8",
        };
        Box::new(
            Diagnostic::about_file(Code::ConfigUnreadable, &shown, format!("the file cannot be read: {e}")).help(help),
        )
    })?;
    if text.len() as u64 > source::MAX_FILE {
        let message = format!("the file is larger than {} bytes", source::MAX_FILE);
        return Err(Box::new(Diagnostic::about_file(Code::ConfigUnreadable, shown, message)));
    }
    let file = Arc::new(SourceFile::new(shown, text));
    Ok(yaml::parse(&file)?.unwrap_or_else(|| empty(&file)))
}

/// The trees of the files that patterns name; a problem for each that cannot be read.
fn files(patterns: &[At<String>], kind: &str, cx: &mut Context<'_>) -> Vec<(Node, PathBuf)> {
    let mut out: Vec<(Node, PathBuf)> = Vec::new();
    for pattern in patterns {
        let paths = match source::expand(cx.source, &cx.base, &pattern.value) {
            Ok(paths) => paths,
            Err(e) => {
                let message = format!("the {kind} files `{}` cannot be listed: {e}", pattern.value);
                cx.error(Diagnostic::at(Code::ConfigUnreadable, &pattern.place, message));
                continue;
            }
        };
        if paths.is_empty() {
            let message = format!("no {kind} file fits `{}`", pattern.value);
            cx.warn(
                Diagnostic::at(Code::ConfigUnreadable, &pattern.place, message)
                    .help("patterns are relative to the main file"),
            );
        }
        for path in paths {
            if out.iter().any(|(_, seen)| *seen == path) {
                continue;
            }
            match read(&path, cx) {
                Ok(node) => out.push((node, path)),
                // A file that does not exist is a problem of the line that names it.
                Err(problem) if problem.code == Code::ConfigUnreadable => {
                    let message = format!("`{}`: {}", path.display(), problem.message);
                    cx.error(Diagnostic::at(Code::ConfigUnreadable, &pattern.place, message).maybe_help(problem.help));
                }
                Err(problem) => cx.error(*problem),
            }
        }
    }
    out
}
