//! Every route with every role, and the table of routes against the OpenAPI document.
