//! The JSON schema of the files, for editors: completion and red lines while typing.
//!
//! Not the check itself: names, expressions and secrets are checked by loading.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::file::main::MainFile;
use crate::file::rule::RuleFile;
use crate::file::workflow::{WorkflowFile, WorkflowsFile, action_schemas};

/// The schema of `watchkeeper.yaml`; those of rule and workflow files are in its `$defs` as `RuleFile` and `WorkflowFiles`.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let rules = generator.subschema_for::<RuleFile>();
    let (many, one) = (generator.subschema_for::<WorkflowsFile>(), generator.subschema_for::<WorkflowFile>());
    let with = action_schemas(&mut generator);
    let mut schema = generator.into_root_schema_for::<MainFile>().to_value();
    schema["title"] = json!("Watchkeeper configuration");
    schema["$defs"]["RuleFiles"] = rules.to_value();
    schema["$defs"]["WorkflowFiles"] = json!({"anyOf": [many, one]});
    schema["$defs"]["StepFile"]["properties"]["with"] = with;
    schema
}

/// The schema as it is committed: indented, with a line feed at its end.
#[must_use]
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}
