//! What takes the password while one is signed in: removing a device, changing the password. Over a connection of its own, so that the session
//! goes on whatever comes of it.

use hobnob_shared::id::DeviceId;
use hobnob_shared::limits;

use super::account::is_acceptable;
use crate::core::command::Password;
use crate::core::error::Problem;
use crate::core::friendship::verify_devices;
use crate::core::outlet::Ticket;
use crate::core::registry::Registry;
use crate::core::session::{ConnectError, EnrolError, Own, Wish};

impl Registry {
    /// The account as it is known here, if `password` can be its.
    fn own_account(&self, password: &Password) -> Result<Own, Problem> {
        let identity = self.identity.as_ref().filter(|_| self.is_signed_in()).ok_or_else(Problem::not_signed_in)?;
        if password.expose().len() > limits::PASSWORD_MAX {
            return Err(Problem::wrong_account_password());
        }
        let list = verify_devices(&identity.device_list, &identity.chain.account).map_err(|_| Problem::internal())?;
        Ok(Own { user: identity.user.clone(), account: identity.account, list_number: list.number })
    }

    /// Takes a device off the account. Done once the server has it: then its session has ended, and everybody concerned was told.
    pub(in crate::core) fn remove_device(&mut self, password: Password, device: DeviceId, ticket: Ticket) {
        if self.identity.as_ref().is_some_and(|identity| identity.device == device) {
            return ticket.failed(Problem::this_device());
        }
        match self.own_account(&password) {
            Ok(account) => self.enrol(Wish::RemoveDevice { account, password, device }, false, ticket),
            Err(problem) => ticket.failed(problem),
        }
    }

    /// Gives the account another password.
    pub(in crate::core) fn change_password(&mut self, password: Password, new_password: Password, ticket: Ticket) {
        if !is_acceptable(&new_password) {
            return ticket.failed(Problem::weak_password());
        }
        match self.own_account(&password) {
            Ok(account) => self.enrol(Wish::ChangePassword { account, password, new_password }, false, ticket),
            Err(problem) => ticket.failed(problem),
        }
    }

    /// It did not come to that. The session is another connection: it stands or falls by itself.
    pub(super) fn not_changed(&self, error: &EnrolError, ticket: Ticket) {
        tracing::info!(%error, "nothing changed");
        match error {
            EnrolError::WrongPassword => ticket.failed(Problem::wrong_account_password()),
            EnrolError::Connect(ConnectError::WrongKey) => {
                self.tell_server_key();
                ticket.failed(Problem::server_key_changed());
            }
            error => ticket.failed(error),
        }
    }
}
