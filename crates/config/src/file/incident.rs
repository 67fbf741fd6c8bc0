//! `incidents`, `status_page`: how people respond, and what the public sees.
//!
//! Not incidents themselves.

use std::collections::BTreeMap;

use watchkeeper_domain::Priority;

use super::names::Names;
use super::server::or;
use crate::decode::leaf::Matchers;
use crate::decode::record::record;
use crate::decode::{At, Context, List, Map, items};
use crate::model::{Component, Incidents, StatusPage};

record! {
    /// How alerts become incidents.
    IncidentsFile, "`incidents`" {
        /// Alerts with equal values of these labels join one open incident. Default `service`.
        group_by: Option<List<At<String>>> = "group_by";
        /// The least urgent priority that opens an incident. Default `medium`.
        open_from: Option<At<Priority>> = "open_from";
        /// The receiver that hears of hand-overs. Default: that of the root route.
        handover_receiver: Option<At<String>> = "handover_receiver";
        /// PromQL that counts failed requests over `{{ window }}`.
        impact_query: Option<At<String>> = "impact_query";
        /// Who takes a role when an incident opens: role to person.
        default_roles: Option<Map<At<String>>> = "default_roles";
    }
}

record! {
    /// The public status page.
    StatusPageFile, "`status_page`" {
        /// Whose it is.
        title: Option<At<String>> = "title";
        /// What is shown.
        components: Option<List<ComponentFile>> = "components";
    }
}

record! {
    /// A part of the service as customers know it.
    ComponentFile, "a component" {
        /// Its id.
        name: At<String> = "name";
        /// What customers call it. Default: the name.
        title: Option<At<String>> = "title";
        /// Alerts that concern it.
        matchers: Option<List<At<Matchers>>> = "matchers";
    }
}

impl IncidentsFile {
    pub(crate) fn build(
        file: Option<&Self>,
        receivers: &Names,
        people: &Names,
        check_expr: &dyn Fn(&str) -> Result<(), crate::ExprProblem>,
        cx: &mut Context<'_>,
    ) -> Incidents {
        let mut default_roles = BTreeMap::new();
        for (role, person) in file.and_then(|f| f.default_roles.as_ref()).map_or(&[][..], |m| &m.0) {
            people.refer(&person.value, &person.place, cx);
            default_roles.insert(role.text.clone(), person.value.clone());
        }
        let handover = file.and_then(|f| f.handover_receiver.as_ref());
        if let Some(at) = handover {
            receivers.refer(&at.value, &at.place, cx);
        }
        let impact = file.and_then(|f| f.impact_query.as_ref());
        if let Some(at) = impact {
            let example = at.value.replace("{{ window }}", "5m").replace("{{window}}", "5m");
            super::rule::check(&example, at, check_expr, cx);
        }
        Incidents {
            group_by: file
                .and_then(|f| f.group_by.as_ref())
                .map_or_else(|| vec!["service".to_owned()], |l| l.0.iter().map(|at| at.value.clone()).collect()),
            open_from: or(file.and_then(|f| f.open_from.as_ref()), Priority::Medium),
            handover_receiver: handover.map(|at| at.value.clone()),
            impact_query: impact.map(|at| at.value.clone()),
            default_roles,
        }
    }
}

impl StatusPageFile {
    pub(crate) fn build(file: Option<&Self>, cx: &mut Context<'_>) -> StatusPage {
        let mut names = Names::new("component");
        let mut components = Vec::new();
        for component in file.map_or(&[][..], |f| items(&f.components)) {
            names.define(&component.name, cx);
            components.push(Component {
                name: component.name.value.clone(),
                title: component.title.as_ref().unwrap_or(&component.name).value.clone(),
                matchers: items(&component.matchers).iter().flat_map(|at| at.value.0.clone()).collect(),
            });
        }
        let title = file.and_then(|f| f.title.as_ref()).map_or_else(|| "Status".to_owned(), |at| at.value.clone());
        StatusPage { title, components }
    }
}
