//! Settings that several functions read, one struct for each concern.
//! Each function's own `config.rs` composes the ones it needs.

use super::{AllowedTenants, Credential, EnvReader};
use crate::protocol::cloud::Cloud;
use crate::protocol::conversation::ConversationSurface;
use crate::protocol::ids::{ClientId, TenantId};

/// The agent's app registration and its cloud.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// `CLIENT_ID`: the agent's app registration.
    pub client_id: ClientId,
    /// `CLOUD` and `REGISTRATION`: the cloud of the channel, and whose tokens it takes.
    pub cloud: Cloud,
}

/// Who may send activities to the agent.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// `ALLOWED_TENANTS`: the tenants whose conversations are accepted; `TENANT_ID` alone unless set.
    pub allowed_tenants: AllowedTenants,
    /// `CHANNEL_CALLERS`: the apps whose Entra tokens count as the channel's; none unless set.
    pub channel_callers: Vec<ClientId>,
}

/// How the agent sends to the channel.
#[derive(Debug, Clone)]
pub struct SenderSettings {
    /// `CREDENTIAL`: how the agent authenticates to Entra.
    pub credential: Credential,
    /// `NEW_CONVERSATIONS`: where conversations are created, `chat` or `copilot`; `chat` unless set.
    pub new_conversations: ConversationSurface,
}

/// Where the functions store and queue.
#[derive(Debug, Clone)]
pub struct ResourceSettings {
    /// `TABLE_NAME`: the table.
    pub table_name: String,
    /// `TURNS_QUEUE_URL`: the FIFO queue of turns.
    pub turns_queue_url: String,
    /// `TASKS_QUEUE_URL`: the queue of tasks.
    pub tasks_queue_url: String,
}

/// How broadcasts are delivered.
#[derive(Debug, Clone)]
pub struct DeliverySettings {
    /// `DELIVERIES_QUEUE_URL`: the queue of deliveries.
    pub deliveries_queue_url: String,
    /// `TENANT_RATE`: sends per second to one tenant, of all workers together; 40 unless set.
    pub tenant_rate: u32,
}

impl AgentSettings {
    /// Reads the variables of this concern; `None` where `vars` noted a problem.
    pub fn read(vars: &mut EnvReader<'_>) -> Option<Self> {
        let (client_id, cloud) = (vars.client_id(), vars.cloud());
        Some(Self { client_id: client_id?, cloud: cloud? })
    }
}

impl AccessSettings {
    /// Reads the variables of this concern, for an agent with this registration and tenant; `None` where `vars` noted a
    /// problem.
    pub fn read(
        vars: &mut EnvReader<'_>,
        client_id: Option<&ClientId>,
        tenant_id: Option<&TenantId>,
    ) -> Option<Self> {
        let (callers, tenants) = (vars.channel_callers(client_id), vars.allowed_tenants(tenant_id));
        Some(Self { allowed_tenants: tenants?, channel_callers: callers? })
    }
}

impl SenderSettings {
    /// Reads the variables of this concern; `None` where `vars` noted a problem.
    pub fn read(vars: &mut EnvReader<'_>) -> Option<Self> {
        let (credential, new_conversations) = (vars.credential(), vars.new_conversations());
        Some(Self { credential: credential?, new_conversations: new_conversations? })
    }
}

impl ResourceSettings {
    /// Reads the variables of this concern; `None` where `vars` noted a problem.
    pub fn read(vars: &mut EnvReader<'_>) -> Option<Self> {
        let table_name = vars.required("TABLE_NAME");
        let (turns, tasks) = (vars.required("TURNS_QUEUE_URL"), vars.required("TASKS_QUEUE_URL"));
        Some(Self { table_name: table_name?, turns_queue_url: turns?, tasks_queue_url: tasks? })
    }
}

impl DeliverySettings {
    /// Reads the variables of this concern; `None` where `vars` noted a problem.
    pub fn read(vars: &mut EnvReader<'_>) -> Option<Self> {
        let (queue, tenant_rate) = (vars.required("DELIVERIES_QUEUE_URL"), vars.tenant_rate());
        Some(Self { deliveries_queue_url: queue?, tenant_rate: tenant_rate? })
    }
}
