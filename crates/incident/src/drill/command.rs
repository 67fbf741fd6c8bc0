//! What people do with drills: begin one now, confirm one.
//!
//! Not the acknowledgement of alerts: a confirmation is one, by the same command.

use watchkeeper_domain::Actor;
use watchkeeper_domain::ids::DrillId;
use watchkeeper_state::State;

use super::{Drill, DrillState, Drills, read};
use crate::error::Error;

impl Drills {
    /// Begins a drill now. When this returns, it survives a power cut, and its alert is on its way.
    pub async fn run(&self, by: &Actor) -> Result<Drill, Error> {
        let mut tx = self.state.write().await?;
        let id = self.start(&mut tx, None, by, self.env.now()).await?;
        State::commit(tx).await?;
        self.sink.committed();
        self.get(id).await
    }

    /// Somebody confirms a drill. Confirming twice changes nothing; one that is over stays so.
    pub async fn confirm(&self, id: DrillId, by: &Actor) -> Result<Drill, Error> {
        let drill = self.get(id).await?;
        if drill.state != DrillState::Waiting {
            return Ok(drill);
        }
        let (mut tx, now) = (self.state.write().await?, self.env.now());
        if let Some(alert) = drill.alert {
            match watchkeeper_alert::command::acknowledge_in(&mut tx, now, alert, by.clone(), None).await {
                // Its alert has ended, for example because the time is just over: what counts is that somebody is there.
                Ok(_) | Err(watchkeeper_alert::Error::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.end(&mut tx, &drill, Some(&by.to_string()), now).await?;
        State::commit(tx).await?;
        self.sink.committed();
        self.get(id).await
    }

    async fn get(&self, id: DrillId) -> Result<Drill, Error> {
        let found = read::find(self.state.read(), id).await?;
        found.ok_or_else(|| Error::NotFound { what: "drill", id: id.to_string() })
    }
}
