//! `watchkeeper import pack NAME`: a rule pack that ships in the binary, written as files of one's own, with its unit tests.
//!
//! Not a subscription: what was written is the user's, to be changed; a newer Watchkeeper does not touch it.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use serde_json::json;

use crate::cli::output::{self, Format};
use crate::cli::{Failure, Outcome};

#[derive(RustEmbed)]
#[folder = "../../rules/packs"]
struct Packs;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The pack; `--list` tells which there are.
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// List the packs instead.
    #[arg(long)]
    list: bool,
    /// The folder to write into; made when it is not there.
    #[arg(long, default_value = "rules")]
    into: PathBuf,
    /// Write over files that are there.
    #[arg(long)]
    force: bool,
}

/// A pack: its name, what it is about, and how many rules it has.
fn packs() -> Vec<(String, String, usize)> {
    let mut all: Vec<(String, String, usize)> = Packs::iter()
        .filter_map(|path| {
            let name = path.strip_suffix(".yaml").filter(|name| !name.contains('/'))?.to_owned();
            let text = text(&path)?;
            let about = text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']).to_owned();
            let rules = text.lines().filter(|line| line.trim_start().starts_with("- alert:")).count();
            Some((name, about, rules))
        })
        .collect();
    all.sort();
    all
}

fn text(path: &str) -> Option<String> {
    String::from_utf8(Packs::get(path)?.data.into_owned()).ok()
}

pub(in crate::cli) fn run(args: &Args, format: Format) -> Outcome {
    let packs = packs();
    let Some(name) = args.name.as_ref().filter(|_| !args.list) else {
        let answer: Vec<_> =
            packs.iter().map(|(name, about, rules)| json!({"name": name, "about": about, "rules": rules})).collect();
        return output::show(format, &answer, |_| {
            let row =
                |(name, about, rules): &(String, String, usize)| vec![name.clone(), rules.to_string(), about.clone()];
            output::table(&["PACK", "RULES", "ABOUT"], packs.iter().map(row).collect(), "There are no packs.");
        });
    };
    let (Some(rules), Some(tests)) = (text(&format!("{name}.yaml")), text(&format!("tests/{name}_test.yaml"))) else {
        let known: Vec<&str> = packs.iter().map(|(name, ..)| name.as_str()).collect();
        return Err(Failure::Usage(format!("there is no pack `{name}`; there are {}", known.join(", "))));
    };
    let rule_file = args.into.join(format!("{name}.yaml"));
    let test_file = args.into.join("tests").join(format!("{name}_test.yaml"));
    let there: Vec<String> =
        [&rule_file, &test_file].into_iter().filter(|f| f.exists()).map(|f| f.display().to_string()).collect();
    if !there.is_empty() && !args.force {
        return Err(Failure::Finding(format!("{} is there already; --force writes over it", there.join(" and "))));
    }
    write(&rule_file, &rules)?;
    write(&test_file, &tests)?;
    let include = format!("{}/*.yaml", args.into.display());
    let answer = json!({"rules": rule_file, "tests": test_file, "include": include});
    output::show(format, &answer, |_| {
        output::text(&format!(
            "wrote {} and {}\nInclude it in watchkeeper.yaml:\n  rule_files: [{include}]\nThen:\n  watchkeeper check\n  \
             watchkeeper test rules {}\n  watchkeeper rule check     # on a running server: which of its metrics are not reported",
            rule_file.display(),
            test_file.display(),
            test_file.display()
        ));
    })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::Finding(format!("{} cannot be written: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    std::fs::write(path, text).map_err(cannot)
}
