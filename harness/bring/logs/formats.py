"""Formats of call logs, as a table: gateways', clouds', tracing tools', and the neutral one."""

from __future__ import annotations

from collections.abc import Mapping

from harness.bring.logs.log_format import Amount, LogFormat, Moment, Paths
from harness.bring.logs.tracing_formats import LANGFUSE, OTLP

_USED = "/metadata|/usage_object"
_MORE = "/metadata|/additional_usage_values"

_LITELLM = LogFormat(
    name="litellm",
    marks=(("/request_id",), ("/startTime",), ("/spend",)),
    source="BerriAI/litellm, schema.prisma (LiteLLM_SpendLogs), spend-logs/src/_types.ts",
    at=Moment(paths=("/startTime",), zone="UTC"),
    end=Moment(paths=("/endTime",), zone="UTC"),
    request=("/request_id",),
    parent=("/session_id",),
    input=("/prompt_tokens",),
    cached=(
        f"{_MORE}/cache_read_input_tokens",
        f"{_MORE}/prompt_tokens_details/cached_tokens",
        f"{_USED}/cache_read_input_tokens",
        f"{_USED}/prompt_tokens_details/cached_tokens",
    ),
    written=(
        f"{_MORE}/cache_creation_input_tokens",
        f"{_USED}/cache_creation_input_tokens",
        f"{_USED}/prompt_tokens_details/cache_creation_tokens",
    ),
    output=("/completion_tokens",),
    reasoning=(
        f"{_MORE}/completion_tokens_details/reasoning_tokens",
        f"{_USED}/completion_tokens_details/reasoning_tokens",
    ),
    total=("/total_tokens",),
    cost=Amount(paths=("/spend",)),
    latency=Amount(paths=("/request_duration_ms",)),
    first_token_at=Moment(paths=("/completionStartTime",), zone="UTC"),
    model=("/model", "/model_group"),
    operation=("/call_type",),
    failed=(("/status", ("failure", "failed", "error")), ("/metadata|/status", ("failure",))),
    from_cache=(("/cache_hit", ("true",)),),
    environment=("/metadata|/environment",),
    caller=("/metadata|/user_api_key_alias", "/user", "/api_key"),
    tags=("/request_tags",),
    asked=("/messages", "/proxy_server_request|/messages"),
)
_LITELLM_DAYS = LogFormat(
    name="litellm-daily",
    marks=(("/date",), ("/api_requests",), ("/spend",)),
    source="BerriAI/litellm, schema.prisma (LiteLLM_DailyTagSpend, DailyTeamSpend, DailyUserSpend)",
    at=Moment(paths=("/date",), zone="UTC"),
    input=("/prompt_tokens",),
    cached=("/cache_read_input_tokens",),
    written=("/cache_creation_input_tokens",),
    output=("/completion_tokens",),
    calls=("/api_requests",),
    failures=("/failed_requests",),
    counted_by=(("tag", "/tag"), ("team", "/team_id"), ("user", "/user_id")),
    hours=24,
    cost=Amount(paths=("/spend",)),
    model=("/model", "/model_group"),
    caller=("/team_id", "/user_id", "/api_key"),
    tags=("/tag",),
)
_BEDROCK = LogFormat(
    name="bedrock",
    marks=(("/requestId",), ("/modelId",), ("/operation",)),
    unwrap="cloudwatch",
    source="dheerajoruganty/aws-bedrock-logs-mcp-server, setup.md (ModelInvocationLog 1.0)",
    at=Moment(paths=("/timestamp",), zone="UTC"),
    request=("/requestId",),
    input=("/input/inputTokenCount", "/output/outputBodyJson/usage/inputTokens"),
    cached=(
        "/input/cacheReadInputTokenCount",
        "/output/outputBodyJson/usage/cacheReadInputTokens",
        "/output/outputBodyJson/usage/cacheReadInputTokenCount",
    ),
    written=(
        "/input/cacheWriteInputTokenCount",
        "/output/outputBodyJson/usage/cacheWriteInputTokens",
        "/output/outputBodyJson/usage/cacheWriteInputTokenCount",
    ),
    output=("/output/outputTokenCount", "/output/outputBodyJson/usage/outputTokens"),
    total=("/output/outputBodyJson/usage/totalTokens",),
    cached_inside=False,
    # Prompts are cached only where a request marks them, and then the counts are told: Amazon
    # Bedrock, user guide (prompt caching) and API reference (TokenUsage).
    absent_is_none=True,
    latency=Amount(paths=("/output/outputBodyJson/metrics/latencyMs",)),
    model=("/modelId",),
    operation=("/operation",),
    failed=(("/errorCode", ()),),
    feature=("/requestMetadata/feature",),
    environment=("/requestMetadata/environment",),
    caller=("/identity/arn", "/accountId"),
    tags=("/requestMetadata",),
    asked=("/input/inputBodyJson/messages", "/input/inputBodyJson"),
)
_APIM = LogFormat(
    name="azure-apim",
    marks=(("/PromptTokens",), ("/CorrelationId",)),
    source="Microsoft Learn, table ApiManagementGatewayLlmLog; Azure-Samples/AI-Gateway, "
    "labs/finops-framework/main.bicep: rows with a DeploymentName have a CorrelationId's tokens",
    at=Moment(paths=("/TimeGenerated",), zone="UTC"),
    request=("/CorrelationId", "/RequestId"),
    input=("/PromptTokens",),
    output=("/CompletionTokens",),
    total=("/TotalTokens",),
    model=("/ModelName", "/DeploymentName"),
    caller=("/DeploymentName", "/_SubscriptionId"),
    asked=("/RequestMessages",),
)
_VERTEX = LogFormat(
    name="vertex",
    marks=(("/logging_time",), ("/full_response",)),
    source="elastic/integrations, gcp_vertexai prompt_response_logs sample_event.json (its names "
    "are in snake_case); Google Cloud, request-response logging (BigQuery table)",
    at=Moment(paths=("/logging_time",), zone="UTC"),
    request=("/request_id", "/full_response|/responseId", "/full_response|/response_id"),
    input=(
        "/full_response|/usageMetadata/promptTokenCount",
        "/full_response|/usage_metadata/prompt_token_count",
    ),
    cached=(
        "/full_response|/usageMetadata/cachedContentTokenCount",
        "/full_response|/usage_metadata/cached_content_token_count",
    ),
    output=(
        "/full_response|/usageMetadata/candidatesTokenCount",
        "/full_response|/usage_metadata/candidates_token_count",
    ),
    reasoning=(
        "/full_response|/usageMetadata/thoughtsTokenCount",
        "/full_response|/usage_metadata/thoughts_token_count",
    ),
    total=(
        "/full_response|/usageMetadata/totalTokenCount",
        "/full_response|/usage_metadata/total_token_count",
    ),
    reasoning_inside=False,
    # JSON of protocol buffers leaves a count of 0 out: protobuf.dev, ProtoJSON format. What an
    # explicit cache keeps is charged by the hour, beside the calls.
    absent_is_none=True,
    sampled=("/metadata|/sampling_rate", "/sampling_rate"),
    latency=Amount(paths=("/metadata|/request_latency",)),
    model=("/full_response|/modelVersion", "/full_response|/model_version", "/model"),
    tags=("/full_request|/labels",),
    feature=("/full_request|/labels/feature",),
    asked=("/full_request|/contents",),
)
_HELICONE = LogFormat(
    name="helicone",
    marks=(("/request_created_at",), ("/request_id", "/response_id")),
    source="Helicone/helicone, examples/export (columns of its CSV) and docs, HeliconeRequest",
    untried=True,
    at=Moment(paths=("/request_created_at",), zone="UTC"),
    end=Moment(paths=("/response_created_at",), zone="UTC"),
    request=("/request_id", "/response_id"),
    input=("/prompt_tokens",),
    cached=("/prompt_cache_read_tokens",),
    written=("/prompt_cache_write_tokens",),
    output=("/completion_tokens",),
    total=("/total_tokens",),
    cached_inside=False,
    cost=Amount(paths=("/cost", "/costUSD")),
    latency=Amount(paths=("/delay_ms",)),
    first_token=Amount(paths=("/time_to_first_token",)),
    model=("/response_model", "/model_override", "/request_model", "/model"),
    failed=(("/response_status", ("4*", "5*")),),
    from_cache=(("/cache_enabled_hit", ("true",)),),
    caller=("/request_user_id",),
    feature=("/request_properties|/feature", "/request_properties|/Feature"),
    tags=("/request_properties",),
    asked=("/request_body|/messages",),
)
_PORTKEY = LogFormat(
    name="portkey",
    marks=(("/ai_model",), ("/req_units",)),
    source="Portkey-AI/docs-core, logs-export.mdx; VasiliyRad/metergraphrelay, tests of exports",
    at=Moment(paths=("/created_at",), zone="UTC"),
    request=("/id", "/trace_id"),
    parent=("/parent_span_id", "/trace_id"),
    input=("/req_units",),
    cached=(
        "/response|/body/usage/prompt_tokens_details/cached_tokens",
        "/response|/usage/prompt_tokens_details/cached_tokens",
        "/response|/body/usage/cache_read_input_tokens",
        "/response|/usage/cache_read_input_tokens",
    ),
    written=(
        "/response|/body/usage/cache_creation_input_tokens",
        "/response|/usage/cache_creation_input_tokens",
    ),
    output=("/res_units",),
    total=("/total_units",),
    cost=Amount(paths=("/cost",), times="0.01"),
    currency=("/cost_currency",),
    latency=Amount(paths=("/response_time",)),
    model=("/ai_model",),
    failed=(("/is_success", ("false", "0")), ("/response_status_code", ("4*", "5*"))),
    from_cache=(("/cache_status", ("hit", "semantic hit", "simple hit")),),
    caller=("/virtual_key", "/config"),
    feature=("/metadata|/feature",),
    tags=("/metadata",),
    asked=("/request|/body/messages", "/request|/messages", "/request|/input"),
)
_HOLDERS = ("/properties|", "/properties_s|")


def _property(*names: str) -> Paths:
    """Places inside `properties`: an object in a storage account, text in Log Analytics."""
    return tuple(f"{holder}/{name}" for name in names for holder in _HOLDERS)


def _answered(*names: str) -> Paths:
    """Places inside the answer, which is JSON as text inside the properties."""
    return _property(*(f"responseBody|/{name}" for name in names))


_AZURE = LogFormat(
    name="azure-openai",
    marks=(
        ("/category", "/Category"),
        ("/operationName", "/OperationName"),
        ("/properties", "/properties_s"),
        ("/durationMs", "/DurationMs"),
        ("/resultSignature", "/ResultSignature"),
    ),
    source="elastic/integrations, azure_openai test-open-ai-request-response.log; Microsoft Learn, "
    "table AzureDiagnostics. Answers, and so tokens, are there only where bodies are logged",
    at=Moment(paths=("/time", "/TimeGenerated"), zone="UTC"),
    request=("/correlationId", "/CorrelationId"),
    input=_answered("usage/prompt_tokens", "usage/input_tokens"),
    cached=_answered(
        "usage/prompt_tokens_details/cached_tokens", "usage/input_tokens_details/cached_tokens"
    ),
    output=_answered("usage/completion_tokens", "usage/output_tokens"),
    reasoning=_answered(
        "usage/completion_tokens_details/reasoning_tokens",
        "usage/output_tokens_details/reasoning_tokens",
    ),
    total=_answered("usage/total_tokens"),
    latency=Amount(paths=("/durationMs", "/DurationMs")),
    model=_property("modelName", "modelDeploymentName"),
    operation=("/operationName", "/OperationName"),
    only=tuple(
        (
            path,
            (
                *("*completions_create", "responses_create", "create_response"),
                *("*embeddings_create", "imagegenerations*", "transcriptions*", "*speech*"),
            ),
        )
        for path in ("/operationName", "/OperationName")
    ),
    failed=(
        ("/resultSignature", ("4??", "5??")),
        ("/ResultSignature", ("4??", "5??")),
    ),
    caller=_property("modelDeploymentName", "callerObjectId", "objectId"),
    asked=_property("requestBody|/messages", "requestBody|/input"),
)
_CLOUDFLARE = LogFormat(
    name="cloudflare",
    marks=(("/tokens_in",), ("/tokens_out",), ("/created_at",), ("/provider",)),
    source="Cloudflare API, AI Gateway, List Gateway Logs; cloudflare/workers-types, AiGatewayLog",
    untried=True,
    at=Moment(paths=("/created_at",), zone="UTC"),
    request=("/id",),
    input=("/tokens_in",),
    output=("/tokens_out",),
    cost=Amount(paths=("/cost",)),
    latency=Amount(paths=("/duration",)),
    model=("/model",),
    operation=("/model_type", "/request_type"),
    failed=(("/success", ("false", "0")), ("/status_code", ("4??", "5??"))),
    from_cache=(("/cached", ("true", "1")),),
    feature=("/metadata|/feature",),
    team=("/metadata|/team",),
    environment=("/metadata|/environment",),
    caller=("/metadata|/user", "/provider"),
    tags=("/metadata",),
)
_VLLM = LogFormat(
    name="vllm",
    marks=(("/vllm_model",), ("/generated",)),
    source="vllm-project/vllm, docs/usage/metrics (prompt_tokens counts cached ones); Prometheus, "
    "exposition formats and federation",
    at=Moment(paths=("/at",), unit="ms"),
    input=("/prompt",),
    cached=("/cached",),
    # The cache is the server's own: vllm-project/vllm, docs/features/automatic_prefix_caching.
    writes_are_free=True,
    output=("/generated",),
    calls=("/requests",),
    failures=("/failed",),
    model=("/vllm_model",),
    caller=("/job",),
    tags=("/labels",),
)
_NEUTRAL = LogFormat(
    name="neutral",
    marks=(("/timestamp",), ("/request_id",), ("/input_tokens",), ("/output_tokens",)),
    source="harness/workspace/README.md",
    at=Moment(paths=("/timestamp",)),
    request=("/request_id",),
    attempts=True,
    input=("/input_tokens",),
    cached=("/cached_tokens",),
    written=("/cache_written_tokens",),
    output=("/output_tokens",),
    reasoning=("/reasoning_tokens",),
    total=("/total_tokens",),
    cost=Amount(paths=("/cost_usd",)),
    latency=Amount(paths=("/latency_ms",)),
    first_token=Amount(paths=("/first_token_ms",)),
    model=("/model",),
    operation=("/operation",),
    failed=(
        ("/error", ()),
        ("/status", ("error", "failed", "failure", "timeout", "cancelled", "4??", "5??")),
    ),
    failed_maybe=True,
    feature=("/feature",),
    team=("/team",),
    product=("/product",),
    cohort=("/cohort", "/tenant"),
    environment=("/environment",),
    caller=("/caller",),
    tags=("/tags",),
    asked=("/input_hash",),
)
FORMATS: Mapping[str, LogFormat] = {
    each.name: each
    for each in (
        OTLP,
        _LITELLM,
        _LITELLM_DAYS,
        LANGFUSE,
        _BEDROCK,
        _APIM,
        _AZURE,
        _VERTEX,
        _HELICONE,
        _PORTKEY,
        _CLOUDFLARE,
        _VLLM,
        _NEUTRAL,
    )
}
"""The formats, in the order in which they are tried on a file."""
