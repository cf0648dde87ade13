//! `:` — going somewhere by its name: `stage 17`, `task 42.0`, `exec 7`, `job 3`, `sql 2`, `rdd 4`, `query counts`, `finding 2`,
//! `app 0042`; and what could be meant by what is typed so far.

use super::Tui;
use crate::model::{StageKey, StreamingQuery};
use crate::source::{Choice, Landing};
use crate::tui::action::Action;
use crate::tui::effect::Request;
use crate::tui::screen::Place;
use crate::tui::screens::streaming::query_name;
use crate::tui::theme::Role;

/// What can be typed, for the footer.
pub const FORMS: &str = "stage 17, task 42.0, exec 7, job 3, sql 2, rdd 4, query counts, finding 2, app 0042";

/// What can be gone to.
const KINDS: [&str; 9] = ["stage", "task", "exec", "job", "sql", "rdd", "query", "finding", "app"];

/// Places suggested at most.
const SUGGESTED: usize = 12;

/// Characters kept of what is typed.
const LONGEST: usize = 100;

impl Tui {
    /// Takes an action while a place is typed.
    pub(super) fn type_place(&mut self, mut typed: String, action: Action) -> Vec<Request> {
        match action {
            Action::Type(c) if !c.is_control() && typed.chars().count() < LONGEST => typed.push(c),
            // Nothing left to delete: the prompt goes.
            Action::Erase if typed.pop().is_none() => return Vec::new(),
            Action::EraseWord | Action::EraseAll => typed.clear(),
            Action::NextTab => {
                if let Some(suggested) = self.suggestions(&typed).into_iter().next() {
                    typed = suggested;
                }
            }
            Action::Accept => return self.go_to(typed.trim()),
            Action::Back => return Vec::new(),
            _ => {}
        }
        self.prompt = Some(typed);
        Vec::new()
    }

    /// Goes where the link showed that the target was pasted from.
    pub(super) fn land_on(&mut self, landing: &Landing) -> Vec<Request> {
        let place = match landing {
            Landing::Job(id) => format!("job {id}"),
            Landing::Stage(key) => format!("stage {key}"),
            Landing::Sql(id) => format!("sql {id}"),
            Landing::Rdd(id) => format!("rdd {id}"),
            Landing::Query(id) => format!("query {id}"),
            tab => {
                self.stack.show_tab_named(match tab {
                    Landing::Jobs => "Jobs",
                    Landing::Stages => "Stages",
                    Landing::Sqls => "SQL",
                    Landing::Storage => "Storage",
                    Landing::Executors => "Executors",
                    Landing::Environment => "Environment",
                    _ => "Streaming",
                });
                return self.read_tasks(None);
            }
        };
        let mut requests = self.go_to(&place);
        requests.extend(self.read_tasks(None));
        requests
    }

    fn go_to(&mut self, typed: &str) -> Vec<Request> {
        let (kind, name) = typed.split_once(' ').unwrap_or(("stage", typed));
        let name = name.trim();
        if kind == "app" {
            return self.go_to_application(name);
        }
        let place = match kind {
            "stage" => self.stage_named(name).map(Place::Stage),
            "task" => self.task_named(name),
            "exec" | "executor" => {
                let known = self.world.opened.application.executor(name);
                known.map(|executor| Place::Executor(executor.id.to_string()))
            }
            "job" => name
                .parse()
                .ok()
                .filter(|id| self.world.opened.application.job(*id).is_some())
                .map(Place::Job),
            "finding" => {
                let count = self.world.opened.diagnosis.findings.len();
                name.parse::<usize>()
                    .ok()
                    .filter(|number| (1..=count).contains(number))
                    .map(|number| Place::Finding(number - 1))
            }
            "sql" => name
                .parse()
                .ok()
                .filter(|id| {
                    self.world
                        .opened
                        .application
                        .sql
                        .iter()
                        .any(|execution| execution.id == *id)
                })
                .map(Place::Sql),
            "rdd" => name
                .parse()
                .ok()
                .filter(|id| self.world.opened.application.storage.iter().any(|rdd| rdd.id == *id))
                .map(Place::Rdd),
            "query" => self.query_named(name),
            _ => None,
        };
        match place.filter(|_| self.stack.in_application()) {
            Some(place) => self.go(&place),
            None => {
                self.say(format!("no {typed:?} here; such as {FORMS}"), Role::Warning);
                Vec::new()
            }
        }
    }

    /// What could be meant by what is typed so far, whole: kinds of places first, then those there are.
    pub(super) fn suggestions(&self, typed: &str) -> Vec<String> {
        let application = &self.world.opened.application;
        let Some((kind, begun)) = typed.split_once(' ') else {
            let kinds = KINDS.iter().filter(|kind| kind.starts_with(typed) && !typed.is_empty());
            return kinds.map(|kind| format!("{kind} ")).collect();
        };
        let begins = |name: &String| name.starts_with(begun.trim_start());
        let names: Box<dyn Iterator<Item = String> + '_> = match kind {
            "stage" => Box::new(application.stages.iter().map(|stage| stage.key.to_string())),
            "exec" => Box::new(application.executors.iter().map(|executor| executor.id.to_string())),
            "job" => Box::new(application.jobs.iter().map(|job| job.id.to_string())),
            "sql" => Box::new(application.sql.iter().map(|execution| execution.id.to_string())),
            "rdd" => Box::new(application.storage.iter().map(|rdd| rdd.id.to_string())),
            "query" => Box::new(application.streaming.iter().map(query_name)),
            "finding" => Box::new((1..=self.world.opened.diagnosis.findings.len()).map(|number| number.to_string())),
            "app" => Box::new(self.world.listing.applications.iter().map(|entry| entry.id.clone())),
            _ => Box::new(std::iter::empty()),
        };
        let found = names.filter(begins).take(SUGGESTED);
        found.map(|name| format!("{kind} {name}")).collect()
    }

    /// By its name, or by the beginning of its id or its run's.
    fn query_named(&self, name: &str) -> Option<Place> {
        let named = |query: &&StreamingQuery| {
            query_name(query) == name || query.id.starts_with(name) || query.run_id.starts_with(name)
        };
        let mut queries = self
            .world
            .opened
            .application
            .streaming
            .iter()
            .filter(|_| !name.is_empty());
        queries.find(named).map(|query| Place::Query(query.run_id.clone()))
    }

    /// `17.1`, or `17`: its last attempt.
    fn stage_named(&self, name: &str) -> Option<StageKey> {
        let named = |key: &StageKey| key.to_string() == name || key.id.to_string() == name;
        self.world
            .opened
            .application
            .stages
            .iter()
            .map(|stage| stage.key)
            .rfind(named)
    }

    /// `42.1`, or `42` (the last attempt), in the stage that is open; else a task id of the whole application.
    fn task_named(&self, name: &str) -> Option<Place> {
        let application = &self.world.opened.application;
        if let Some(stage) = self.stack.stage().and_then(|key| application.stage(key)) {
            let tasks = &stage.tasks;
            let named = |row: &usize| {
                let index = tasks.index(*row).to_string();
                index == name || format!("{index}.{}", tasks.attempt(*row)) == name
            };
            let row = (0..tasks.len()).filter(named).max_by_key(|row| tasks.attempt(*row));
            return row.map(|row| Place::Task(stage.key, tasks.id(row)));
        }
        let id = name.parse().ok()?;
        let holds = application.stages.iter().find(|stage| stage.tasks.row_of(id).is_some());
        holds.map(|stage| Place::Task(stage.key, id))
    }

    /// The one application whose id contains the text.
    fn go_to_application(&mut self, name: &str) -> Vec<Request> {
        let mut named = self
            .world
            .listing
            .applications
            .iter()
            .filter(|entry| !name.is_empty() && entry.id.contains(name));
        match (named.next().map(|entry| entry.id.clone()), named.next()) {
            (Some(id), None) => vec![self.open(Choice {
                app: Some(id),
                attempt: None,
            })],
            (first, _) => {
                let how = if first.is_some() {
                    "more than one application's id has"
                } else {
                    "no application's id has"
                };
                self.say(format!("{how} {name:?}"), Role::Warning);
                Vec::new()
            }
        }
    }
}
