//! How far it scales: fleets of the contract's sizes on a local cloud with modelled
//! tasks, over the real wire, in real time, under the quotas as AWS has them.
//!
//! ```sh
//! cargo bench --bench scale                      # all fleets, some ten minutes
//! cargo bench --bench scale -- tasks             # those whose name has that in it
//! cargo bench --bench scale -- tasks --tasks 200 # smaller, for a quick look
//! ```
//!
//! The cloud is a process of its own, this very program, so that the CPU time and the
//! memory of the other one are the controller's and nobody else's. Invariant: what is
//! said of the fleet comes from the cloud's own books, not from the controller.

mod scale {
    pub(crate) mod cloud;
    pub(crate) mod fleet;
    pub(crate) mod machine;
    pub(crate) mod table;
}

use scale::{
    cloud,
    fleet::{self, Fleet},
};

fn main() -> color_eyre::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // cargo says --bench to whatever it runs.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let Some((cloud::WORD, sizes)) = words.split_first().map(|(first, rest)| (&**first, rest)) {
        return runtime.block_on(cloud::serve(sizes));
    }
    let tasks = words.iter().position(|word| word == "--tasks");
    let tasks = tasks.and_then(|at| words.get(at + 1)).map(|text| text.parse()).transpose()?;
    let filter = words.first().filter(|word| !word.starts_with('-'));
    for fleet in Fleet::all() {
        if filter.is_none_or(|filter| fleet.name.contains(filter.as_str())) {
            let fleet = Fleet { tasks: tasks.unwrap_or(fleet.tasks), ..fleet };
            runtime.block_on(fleet::measure(&fleet))?.print(&fleet);
        }
    }
    Ok(())
}
