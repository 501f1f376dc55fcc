//! `loadtop init`: a commented `loadtop.toml`, with what is known already filled in.
//!
//! Invariant: what is written is a file that loadtop itself takes; what it would refuse is
//! refused before anything is written.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
};

use color_eyre::eyre::WrapErr as _;
use toml::Value;

use super::{Asked, File, file::NAME};
use crate::{
    cli::{self, Init, Where},
    model::capacity::Capacity,
    process::output::say,
    usage::Usage,
};

/// The file, with every key in it; those that need not be said in comments.
const TEMPLATE: &str = include_str!("../../assets/loadtop.toml");
/// What is filled in for tasks on Fargate, where nobody said in which subnets.
const SUBNET: &str = "subnet-0123456789abcdef0";
/// What an image gets, where nobody said: the smallest size of Fargate.
const SIZE: (i64, i64) = (256, 512);

/// Writes the file, or prints it.
pub fn init(arguments: &Init) -> color_eyre::Result<()> {
    let text = filled(arguments);
    let path = arguments.place.config.as_deref().unwrap_or(Path::new(NAME));
    check(&text, path)?;
    if arguments.print {
        return io::stdout().write_all(text.as_bytes()).wrap_err("stdout");
    }
    let mut options = OpenOptions::new();
    options.write(true);
    if arguments.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let there = path.display();
            Usage(format!(
                "{there} is there already; --force overwrites it, --print shows what it \
                           would be"
            ))
            .into()
        }
        _ => {
            color_eyre::Report::new(error).wrap_err(format!("{} cannot be written", path.display()))
        }
    })?;
    let written = file.write_all(text.as_bytes());
    written.wrap_err_with(|| format!("{} cannot be written", path.display()))?;
    say(&format!(
        "{} is written; look through it, and let `loadtop doctor` look whether all is there",
        path.display()
    ));
    Ok(())
}

/// Whether loadtop takes it.
fn check(text: &str, path: &Path) -> Result<(), Usage> {
    let file = File { path: path.to_path_buf(), text: text.to_owned() };
    let (place, image) = (Where::default(), cli::Image::default());
    let asked = Asked { place: &place, image: Some(&image), lookup: &|_| None, file: Some(&file) };
    let wrong = |Usage(why)| Usage(format!("this would not be taken:\n{why}"));
    asked.resolve().map(drop).map_err(wrong)
}

/// The template with what the command line says.
fn filled(arguments: &Init) -> String {
    let mut template = Template { lines: TEMPLATE.lines().map(str::to_owned).collect() };
    let place = &arguments.place;
    let texts = [
        ("", "region", &place.region),
        ("", "profile", &place.profile),
        ("", "cluster", &place.cluster),
        ("", "bucket", &place.bucket),
        ("capacity", "group", &place.group),
        ("task", "definition", &arguments.task_definition),
        ("task", "container", &arguments.container),
        ("task", "image", &arguments.image),
        ("task", "identity", &arguments.identity),
    ];
    for (table, key, value) in texts {
        if let Some(value) = value {
            template.set(table, key, &Value::String(value.clone()));
        }
    }
    let mut subnets = arguments.subnets.clone();
    if let Some(Capacity::Fargate { spot }) = place.fargate {
        let how = if spot { "spot" } else { "on-demand" };
        template.set("capacity", "fargate", &Value::String(how.to_owned()));
        template.leave_out("capacity", "group");
        if subnets.is_empty() {
            subnets.push(SUBNET.to_owned());
        }
    }
    if !subnets.is_empty() {
        let subnets = subnets.into_iter().map(Value::String).collect();
        template.set("capacity", "subnets", &Value::Array(subnets));
    }
    if let Some(image) = &arguments.image {
        let (cpu, memory) = SIZE;
        template.set("task", "cpu", &Value::Integer(cpu));
        template.set("task", "memory", &Value::Integer(memory));
        template.leave_out("task", "definition");
        template.leave_out("task", "container");
        if place.fargate.is_some() && super::rules::is_of_ecr(image) {
            template.uncomment("task", "execution-role");
        }
    }
    template.text()
}

/// The lines of a file, of which each key has one: `key = value`, or that in a comment.
struct Template {
    lines: Vec<String>,
}

impl Template {
    fn set(&mut self, table: &str, key: &str, value: &Value) {
        if let Some(line) = self.find(table, key) {
            *line = format!("{key} = {value}");
        }
    }

    fn leave_out(&mut self, table: &str, key: &str) {
        if let Some(line) = self.find(table, key).filter(|it| !it.starts_with('#')) {
            line.insert_str(0, "# ");
        }
    }

    fn uncomment(&mut self, table: &str, key: &str) {
        if let Some(line) = self.find(table, key) {
            *line = line.trim_start_matches("# ").to_owned();
        }
    }

    /// The line of a key.
    fn find(&mut self, table: &str, key: &str) -> Option<&mut String> {
        let mut at = "";
        let found = self.lines.iter().position(|line| {
            if let Some(name) = header(line) {
                at = name;
            }
            at == table && key_of(line) == Some(key)
        })?;
        self.lines.get_mut(found)
    }

    fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }
}

fn header(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// The key of a line, also of one in a comment.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start_matches("# ").split_once(" = ")?;
    let key = key.trim_matches('"');
    (!key.contains(' ')).then_some(key)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        cli::{Cli, Command},
        config::{Config, Task, raw},
        model::capacity::Network,
    };

    fn arguments(line: &str) -> Init {
        let words = ["loadtop", "init"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(words).expect("parses").command {
            Some(Command::Init(init)) => init,
            other => panic!("{other:?}"),
        }
    }

    fn config(text: &str) -> Config {
        let file = File { path: NAME.into(), text: text.to_owned() };
        let (place, image) = (Where::default(), cli::Image::default());
        let asked =
            Asked { place: &place, image: Some(&image), lookup: &|_| None, file: Some(&file) };
        asked.resolve().unwrap_or_else(|error| panic!("{error}\n{text}")).expect("a cluster").config
    }

    #[test]
    fn every_key_is_in_the_template_and_none_besides() {
        let mut at = "";
        let mut keys = Vec::new();
        for line in TEMPLATE.lines() {
            if let Some(name) = header(line) {
                at = name;
            }
            let free = at == "tags" || at == "prices";
            if at == "keys" {
                continue;
            }
            keys.extend(
                key_of(line)
                    .map(|key| super::super::document::path(at, if free { "*" } else { key })),
            );
        }
        keys.sort();
        let mut known = raw::keys();
        known.retain(|key| !key.starts_with("keys."));
        known.sort();
        assert_eq!(keys, known);
    }

    #[test]
    fn the_keys_in_the_template_are_those_of_the_table() {
        let of_keys = TEMPLATE.lines().skip_while(|line| header(line) != Some("keys"));
        let mut seen = 0;
        for line in of_keys {
            let Some(name) = key_of(line) else { continue };
            let row = crate::app::keymap::ROWS.iter().find(|it| it.name == name);
            let keys = row.unwrap_or_else(|| panic!("{line}")).keys.iter();
            let keys: Vec<String> = keys.map(|key| format!("{:?}", key.name())).collect();
            assert_eq!(line, format!("# {name} = [{}]", keys.join(", ")));
            seen += 1;
        }
        assert!(seen > 5, "{seen}");
    }

    #[test]
    fn every_line_in_a_comment_is_of_the_right_kind() {
        // All at once is too much for one run; as a document it is sound.
        let uncommented = |line: &'static str| {
            if key_of(line).is_some() { line.trim_start_matches("# ") } else { line }
        };
        let all = TEMPLATE.lines().map(uncommented).collect::<Vec<_>>().join("\n");
        let file = File { path: NAME.into(), text: all };
        let place = Where::default();
        let asked = Asked { place: &place, image: None, lookup: &|_| None, file: Some(&file) };
        let said = asked.resolve().expect_err("too much").to_string();
        let keys: Vec<&str> = said.lines().filter_map(|it| it.split(": ").nth(1)).collect();
        let expected = ["capacity.fargate", "task.image"];
        assert_eq!(keys, expected, "{said}");
    }

    #[test]
    fn what_is_said_is_filled_in() {
        let plain = config(&filled(&arguments("")));
        assert_eq!(plain.capacity, Capacity::group("load"));
        assert_eq!(plain.bucket, None);
        let said = "--cluster a --region us-east-1 --profile p --bucket bbb --group g \
                    --task-definition d:2 --container c --identity ID";
        let said = config(&filled(&arguments(said)));
        assert_eq!((said.cluster.as_str(), said.bucket.as_deref()), ("a", Some("bbb")));
        assert_eq!(said.capacity, Capacity::group("g"));
        let (name, container) = ("d:2".to_owned(), "c".to_owned());
        assert_eq!(said.task, Task::Definition { name, container, identity: Some("ID".into()) });
        let (region, profile) = (Some("us-east-1".to_owned()), Some("p".to_owned()));
        assert_eq!(said.access, crate::cloud::Access::Tools { region, profile });
    }

    #[test]
    fn fargate_and_an_image_take_the_place_of_group_and_definition() {
        let spot = "--fargate=spot --subnet subnet-1 --subnet subnet-2 --image me/device:1";
        let spot = config(&filled(&arguments(spot)));
        assert_eq!(spot.capacity, Capacity::Fargate { spot: true });
        let subnets = ["subnet-1", "subnet-2"].map(str::to_owned).to_vec();
        assert_eq!(spot.network, Network { subnets, ..Network::default() });
        assert!(matches!(spot.task, Task::Image(image) if image.image == "me/device:1"));
        let of_ecr = "--fargate --image 123456789012.dkr.ecr.eu-central-1.amazonaws.com/d:1";
        let of_ecr = config(&filled(&arguments(of_ecr)));
        assert_eq!(of_ecr.capacity, Capacity::Fargate { spot: false });
    }

    #[test]
    fn what_would_not_be_taken_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        let mut wrong = arguments("--region eu-central-1a");
        wrong.place.config = Some(path.clone());
        let why = init(&wrong).expect_err("a zone").to_string();
        assert!(why.contains("region: eu-central-1a is an availability zone"), "{why}");
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        std::fs::write(&path, "mine").expect("written");
        let read = || std::fs::read_to_string(&path).expect("read");
        let mut again = arguments("");
        again.place.config = Some(path.clone());
        let error = init(&again).expect_err("there");
        assert!(error.is::<Usage>() && error.to_string().contains("--force"), "{error}");
        assert_eq!(read(), "mine");
        again.force = true;
        init(&again).expect("overwritten");
        assert_eq!(read(), filled(&again));
        assert_eq!(config(&read()).cluster, "load");
    }
}
