//! Input that means harm, and input that means nothing.

use proptest::prelude::*;

use super::*;

#[test]
fn aliases_of_aliases_end_at_a_limit() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![before; 10].join(", ")));
    }
    let text = problems(&Memory::default().file("wk.yaml", &bomb));
    assert!(text.contains("more than 200000 values"), "{}", text.lines().next().unwrap_or(""));
}

#[test]
fn deep_nesting_ends_at_a_limit() {
    for text in ["[".repeat(10_000), "- ".repeat(10_000), "{a: ".repeat(10_000)] {
        assert!(problems(&Memory::default().file("wk.yaml", &text)).contains("WK3001"));
    }
}

const WORDS: &[&str] = &[
    "server",
    "listen",
    "route",
    "routes",
    "receivers",
    "name",
    "slack",
    "webhook_url",
    "matchers",
    "groups",
    "rules",
    "alert",
    "expr",
    "for",
    "labels",
    "steps",
    "uses",
    "with",
    "probes",
    "http",
    "${env:A}",
    "${file:x}",
    "5m",
    "{{ $labels.x }}",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "|",
    ">",
    "&a ",
    "*a",
    "<<: ",
    "#",
    "!!str ",
    "\t",
    "null",
    "ü",
    "\u{feff}",
    "0.0.0.0:1",
    "---\n",
    "%",
];

proptest! {
    #[test]
    fn no_input_panics(parts in prop::collection::vec(prop_oneof![prop::sample::select(WORDS).prop_map(str::to_owned), "\\PC{0,3}"], 0..60)) {
        let text = parts.concat();
        for main in ["wk.yaml", "rule_files: r.yaml\nworkflow_files: r.yaml"] {
            let memory = Memory::default().file("wk.yaml", if main == "wk.yaml" { &text } else { main }).file("r.yaml", &text).env("A", "b");
            if let Err(problems) = load_memory(&memory) {
                prop_assert!(!problems.is_empty());
                prop_assert!(!render(&problems, false).is_empty());
            }
        }
    }

    #[test]
    fn bytes_of_a_good_file_may_be_lost_anywhere(at in 0_usize..1000, length in 1_usize..30) {
        let text: String = super::valid::bank_text().chars().enumerate().filter(|(n, _)| !(at..at + length).contains(n)).map(|(_, c)| c).collect();
        if let Err(problems) = load_memory(&Memory::default().file("wk.yaml", &text)) {
            prop_assert!(!render(&problems, false).is_empty());
        }
    }
}
