//! The envelope of every answer: `{"success": true, "data": …}` or `{"success": false, "error": …}`.
//!
//! Nothing here fails.

use crate::error::ApiResult;
use poem_openapi::{
    ApiResponse, Object,
    payload::Json,
    types::{ParseFromJSON, ToJSON, Type},
};

/// An answer that went well.
#[derive(Debug, Object)]
pub struct Success<T: Type + ParseFromJSON + ToJSON + Send + Sync> {
    /// Always true.
    pub success: bool,
    /// What was asked for.
    pub data: T,
}

/// A field that is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
pub struct FieldFault {
    /// Its name, with dots into objects and brackets into lists.
    pub field: String,
    /// What is wrong, or what would be right.
    pub message: String,
}

/// Why a request was not done.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ErrorInfo {
    /// Stable, snake_case, for programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// More for programs; `fields` names the fields at fault.
    pub details: Option<serde_json::Value>,
    /// What our logs know the request by.
    pub request_id: Option<String>,
}

/// An answer that did not go well.
#[derive(Debug, Object)]
pub struct ErrorBody {
    /// Always false.
    pub success: bool,
    /// Why.
    pub error: ErrorInfo,
}

/// 200 with data.
#[derive(ApiResponse)]
pub enum Reply<T: Type + ParseFromJSON + ToJSON + Send + Sync> {
    /// Done.
    #[oai(status = 200)]
    Ok(Json<Success<T>>),
}

/// 201 with data.
#[derive(ApiResponse)]
pub enum Created<T: Type + ParseFromJSON + ToJSON + Send + Sync> {
    /// Created.
    #[oai(status = 201)]
    Created(Json<Success<T>>),
}

/// 202 with data, of which one field is the `jobId`.
#[derive(ApiResponse)]
pub enum Accepted<T: Type + ParseFromJSON + ToJSON + Send + Sync> {
    /// Under way: `GET /api/jobs/{jobId}` tells how far.
    #[oai(status = 202)]
    Accepted(Json<Success<T>>),
}

/// 200 with data.
pub fn ok<T: Type + ParseFromJSON + ToJSON + Send + Sync>(data: T) -> ApiResult<Reply<T>> {
    Ok(Reply::Ok(Json(Success { success: true, data })))
}

/// 201 with data.
pub fn created<T: Type + ParseFromJSON + ToJSON + Send + Sync>(data: T) -> ApiResult<Created<T>> {
    Ok(Created::Created(Json(Success { success: true, data })))
}

/// 202 with data.
pub fn accepted<T: Type + ParseFromJSON + ToJSON + Send + Sync>(data: T) -> ApiResult<Accepted<T>> {
    Ok(Accepted::Accepted(Json(Success { success: true, data })))
}
