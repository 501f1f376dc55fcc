//! What `loadtop init` takes.
//!
//! Invariant: each option is a key of the file that it writes.

use clap::Args;

use super::{options::Where, values};

/// What `init` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Init {
    /// Overwrites a file that is there
    #[arg(long)]
    pub force: bool,
    /// Prints it instead of writing a file
    #[arg(long, conflicts_with = "force")]
    pub print: bool,
    /// The task definition that runs as each device
    #[arg(long, value_name = "NAME", requires = "container")]
    pub task_definition: Option<String>,
    /// The container in it that is told the device's id
    #[arg(long, value_name = "NAME", requires = "task_definition")]
    pub container: Option<String>,
    /// The image that a task definition is registered for instead
    #[arg(long, value_name = "IMAGE", conflicts_with = "task_definition")]
    pub image: Option<String>,
    /// The environment variable that holds the device's id
    #[arg(long, value_name = "VAR", value_parser = values::variable)]
    pub identity: Option<String>,
    /// A subnet of the tasks; may be given several times
    #[arg(long = "subnet", value_name = "ID")]
    pub subnets: Vec<String>,
    /// What is otherwise said where it is used.
    #[command(flatten)]
    pub place: Where,
}
