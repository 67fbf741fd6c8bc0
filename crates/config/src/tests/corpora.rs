//! Files that other people wrote: they must load, or be refused for a reason that is known.

use super::*;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpora at {}", folder.display());
    None
}

fn yaml_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            out.push(path);
        }
    }
    out.sort();
}

#[test]
fn rule_files_of_the_field_load() {
    let Some(folder) = folder() else { return };
    let mut files = vec![folder.join("rules/prometheus_alerts.yaml"), folder.join("rules/prometheus_rules.yaml")];
    yaml_files(&folder.join("rules/awesome-prometheus-alerts"), &mut files);
    let (mut passed, mut rules, mut refused) = (0, 0, Vec::new());
    for file in &files {
        match load_rules(std::slice::from_ref(file), &FileSystem, &|_| Ok(())) {
            Ok((groups, _)) => {
                passed += 1;
                rules += groups.iter().map(|g| g.rules.len()).sum::<usize>();
            }
            Err(problems) => refused.push(plain(&problems)),
        }
    }
    println!("{passed} passed ({rules} rules), {} failed\n{}", refused.len(), refused.join("\n"));
    assert!(rules > 650, "only {rules} rules were read");
    assert!(refused.is_empty());
}

#[test]
fn prometheus_verdicts_on_bad_rule_files_are_ours() {
    let Some(folder) = folder() else { return };
    for (name, accepted) in [("rules.yml", true), ("rules_extrafields.yml", false), ("rules_duplicates.yml", false)] {
        let file = folder.join("rules/promtool").join(name);
        let got = load_rules(std::slice::from_ref(&file), &FileSystem, &|_| Ok(()));
        assert_eq!(got.is_ok(), accepted, "{name}: {}", got.err().map(|e| plain(&e)).unwrap_or_default());
    }
}

/// For each of Alertmanager's own refusals: a part of ours. All that is not here must be accepted.
const REFUSALS: &[(&str, &str)] = &[
    ("conf.smtp-both-password-and-file.yml", "at most one of `smtp_auth_password` and `smtp_auth_password_file`"),
    ("conf.victorops-both-file-and-apikey.yml", "at most one of `victorops_api_key` and `victorops_api_key_file`"),
    ("conf.victorops-no-apikey.yml", "needs `api_key` or `api_key_file`, or `victorops_api_key`"),
    ("conf.opsgenie-both-file-and-apikey.yml", "at most one of `opsgenie_api_key` and `opsgenie_api_key_file`"),
    ("conf.slack-both-file-and-token.yml", "at most one of `slack_app_token` and `slack_app_token_file`"),
    ("conf.slack-both-url-and-token.yml", "at most one of `slack_app_token` and `slack_api_url`"),
    ("conf.slack-update-message-and-webhook.yml", "`update_message` needs a bot token"),
    ("conf.slack-no-api-url-or-token.yml", "needs `api_url` or `api_url_file` or `app_token`"),
    ("conf.sns-invalid.yml", "needs `target_arn` or `topic_arn` or `phone_number`"),
    ("conf.rocketchat-both-token-and-tokenfile.yml", "at most one of `rocketchat_token` and `rocketchat_token_file`"),
    ("conf.rocketchat-both-tokenid-and-tokenidfile.yml", "at most one of `rocketchat_token_id` and"),
    ("conf.rocketchat-no-token.yml", "needs `token` or `token_file`, or `rocketchat_token`"),
    ("conf.nil-match_re-route.yml", "no regular expression for `invalid_label`"),
    ("conf.nil-source_match_re-inhibition.yml", "no regular expression for `invalid_source_label`"),
    ("conf.nil-target_match_re-inhibition.yml", "no regular expression for `invalid_target_label`"),
    ("conf.wechat-no-api-secret.yml", "needs `api_secret` or `api_secret_file`, or `wechat_api_secret`"),
    ("conf.wechat-both-file-and-secret.yml", "at most one of `wechat_api_secret` and `wechat_api_secret_file`"),
    ("conf.mattermost-both-webhook-url-and-file.yml", "at most one of `mattermost_webhook_url` and"),
    ("conf.mattermost-valid-receiver-both-webhook-url-and-file.yml", "at most one of `mattermost_webhook_url` and"),
];

#[test]
fn alertmanagers_verdicts_on_configurations_are_ours_with_the_reason() {
    let Some(folder) = folder() else { return };
    let verdicts = std::fs::read_to_string(folder.join("alertmanager/config_verdicts.json")).unwrap();
    let verdicts: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&verdicts).unwrap();
    let mut wrong = Vec::new();
    for (name, verdict) in &verdicts {
        let got = crate::alertmanager::import(&folder.join("alertmanager/config").join(name), &FileSystem);
        let reason = REFUSALS.iter().find(|(file, _)| file == name).map(|(_, reason)| *reason);
        assert_eq!(reason.is_none(), verdict["expect"] == "ok", "{name}");
        match (got, reason) {
            (Ok(_), None) => {}
            (Err(problems), Some(reason))
                if plain(&problems).contains(reason) && problems.iter().all(|p| p.line > 0) => {}
            (got, _) => wrong.push(format!("{name}: {}", got.err().map_or("accepted".to_owned(), |e| plain(&e)))),
        }
    }
    println!("{} passed, {} failed", verdicts.len() - wrong.len(), wrong.len());
    assert!(wrong.is_empty() && verdicts.len() == 31, "{}", wrong.join("\n"));
}

#[test]
fn an_integration_without_settings_is_refused_as_alertmanager_refuses_it() {
    let Some(folder) = folder() else { return };
    let text =
        std::fs::read_to_string(folder.join("alertmanager/config.config.TestEmptyConfigOfIntegration.json")).unwrap();
    let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let kind = case["integration"].as_str().unwrap();
        let text = format!("route: {{receiver: r}}\nreceivers: [{{name: r, {kind}: [{{}}]}}]\n");
        let got = crate::alertmanager::import(Path::new("am.yml"), &Memory::default().file("am.yml", &text));
        let problems = plain(&got.expect_err(kind));
        assert!(problems.contains(&format!("`{kind}` needs ")), "{kind}: {problems}");
    }
}
