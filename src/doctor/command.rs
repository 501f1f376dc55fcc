//! The command: what is examined, and how it is told.
//!
//! Invariant: findings and policies are data on standard output, words are on standard
//! error; exit code 1 means that a run would not work.

use std::io::IsTerminal as _;

use color_eyre::eyre::WrapErr as _;
use serde_json::{Value, json};

use super::{
    Finding, Load, Report, Subject, access, examine, facts, machine, permissions,
    policy::{self, Scope},
    table::{conclusion, table},
};
use crate::{
    cli::{Doctor, Document},
    cloud::{CloudError, ErrorKind},
    place::Place,
    process::output::{print, say},
    usage::Usage,
};

/// Examines, or prints policies.
pub async fn run(arguments: Doctor) -> color_eyre::Result<u8> {
    if arguments.plan.is_some() {
        let why = "plans are not there yet: say --devices and --devices-per-task";
        return Err(Usage(why.to_owned()).into());
    }
    let place = Place::of(&arguments.place)?;
    let load = Load { devices: arguments.devices, per_task: arguments.devices_per_task };
    if let Some(of) = arguments.policy {
        let policies = policies(&place, load, of).await?;
        let text = serde_json::to_string_pretty(&policies).wrap_err("the policies as JSON")?;
        print(&format!("{text}\n")).wrap_err("stdout")?;
        return Ok(0);
    }
    let report = match &place {
        Place::Embedded => {
            say("No cluster is named: runs are made on the local cloud of this machine.");
            Report::of(machine::judge(load))
        }
        Place::Standing(standing) => match standing.open().await {
            Ok(cloud) => {
                let subject = Subject::new(cloud, load, !arguments.no_write);
                let subject = subject.configured(standing.config());
                announce(&subject);
                examine(&subject).await
            }
            Err(error) => Report::of(vec![unreachable(&error)]),
        },
    };
    if arguments.json {
        let text = serde_json::to_string(&report).wrap_err("the findings as JSON")?;
        print(&format!("{text}\n")).wrap_err("stdout")?;
    } else {
        print(&table(&report, in_colour())).wrap_err("stdout")?;
    }
    say(&conclusion(&report));
    Ok(report.code())
}

/// What is going to be done.
fn announce(subject: &Subject) {
    let Load { devices, per_task } = subject.load;
    let changes = match subject.bucket() {
        Some(bucket) if subject.writes => {
            format!("writes s3://{bucket}/{} and changes nothing else", facts::PROBE)
        }
        _ => "changes nothing".to_owned(),
    };
    say(&format!(
        "For {devices} devices in {} tasks of up to {per_task} (--devices, --devices-per-task); \
         {changes}.",
        subject.load.tasks()
    ));
}

/// There is not even a client.
fn unreachable(error: &CloudError) -> Finding {
    if error.kind == ErrorKind::NotSent {
        return Finding::fail("identity", error.to_string(), "say --region, or AWS_REGION");
    }
    access::nobody(error, "unknown", "an endpoint that was not asked")
}

async fn policies(place: &Place, load: Load, of: Option<Document>) -> color_eyre::Result<Value> {
    let scope = match place {
        Place::Embedded => {
            say(
                "No cluster is named: * stands for what is not known. Name it (--cluster), and fill in the rest.",
            );
            Scope::default()
        }
        Place::Standing(standing) => {
            let cloud = standing.open().await?;
            let subject = Subject::new(cloud, load, false).configured(standing.config());
            let facts = facts::gather(&subject).await;
            if let Err(error) = &facts.caller.who {
                say(&format!("* stands for the account, which is not known: {error}"));
            }
            permissions::scope(&subject, &facts, facts.caller.who.as_ref().ok())
        }
    };
    Ok(match of {
        Some(of) => policy::document(&scope, of),
        None => json!({
            "operator": policy::document(&scope, Document::Operator),
            "task": policy::document(&scope, Document::Task),
        }),
    })
}

/// As a terminal shows it, unless `NO_COLOR` says otherwise.
fn in_colour() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    std::io::stdout().is_terminal() && !unwanted
}
