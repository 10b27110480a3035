"""Formats of tracing tools: OpenTelemetry spans (current, older, OpenInference) and Langfuse."""

from __future__ import annotations

from harness.bring.logs.log_format import Amount, LogFormat, Moment

_GENAI = "/attributes/gen_ai."
_USAGE = f"{_GENAI}usage."
_OI = "/attributes/llm.token_count."
OTLP = LogFormat(
    name="otlp",
    marks=(("/resourceSpans",),),
    unwrap="otlp",
    source="open-telemetry/semantic-conventions-genai, model/gen-ai/registry.yaml; "
    "openinference-semantic-conventions 0.1; opentelemetry-proto, trace.proto as JSON",
    at=Moment(paths=("/start",), unit="ns"),
    end=Moment(paths=("/end",), unit="ns"),
    request=("/id",),
    parent=("/parent",),
    input=(
        f"{_USAGE}input_tokens",
        f"{_USAGE}prompt_tokens",
        f"{_OI}prompt",
        "/attributes/llm.usage.prompt_tokens",
    ),
    cached=(
        f"{_USAGE}cache_read.input_tokens",
        f"{_USAGE}cache_read_input_tokens",
        f"{_USAGE}input_tokens.cached",
        f"{_OI}prompt_details.cache_read",
        f"{_OI}prompt_details.cache_input",
    ),
    written=(
        f"{_USAGE}cache_creation.input_tokens",
        f"{_USAGE}cache_creation_input_tokens",
        f"{_USAGE}cache_write_input_tokens",
        f"{_USAGE}input_tokens.cache_write",
        f"{_OI}prompt_details.cache_write",
    ),
    output=(
        f"{_USAGE}output_tokens",
        f"{_USAGE}completion_tokens",
        f"{_OI}completion",
        "/attributes/llm.usage.completion_tokens",
    ),
    reasoning=(
        f"{_USAGE}reasoning.output_tokens",
        f"{_USAGE}reasoning_tokens",
        f"{_OI}completion_details.reasoning",
    ),
    total=(f"{_USAGE}total_tokens", f"{_OI}total", "/attributes/llm.usage.total_tokens"),
    cost=Amount(paths=("/attributes/llm.cost.total",)),
    first_token=Amount(paths=(f"{_GENAI}response.time_to_first_chunk",), times="1000"),
    model=(
        f"{_GENAI}response.model",
        f"{_GENAI}request.model",
        "/attributes/llm.response.model_name",
        "/attributes/llm.model_name",
        "/attributes/llm.request.model_name",
    ),
    operation=(f"{_GENAI}operation.name", "/attributes/openinference.span.kind"),
    only=(
        (
            f"{_GENAI}operation.name",
            ("chat", "generate_content", "text_completion", "embeddings"),
        ),
        ("/attributes/openinference.span.kind", ("llm", "embedding", "reranker", "decision")),
        ("/is_call", ("true",)),
    ),
    failed=(("/failed", ("true",)), ("/attributes/error.type", ())),
    environment=(
        "/resource/deployment.environment.name",
        "/resource/deployment.environment",
    ),
    caller=("/resource/service.name", "/attributes/user.id"),
    feature=("/attributes/feature",),
    tags=("/resource", "/attributes/tag.tags", "/attributes/metadata", "/labels"),
    asked=(
        f"{_GENAI}input.messages",
        "/attributes/input.value",
        f"{_GENAI}prompt",
        "/attributes/llm.input_messages.0.message.content",
    ),
)
LANGFUSE = LogFormat(
    name="langfuse",
    marks=(
        ("/start_time", "/startTime"),
        ("/usage_details", "/usageDetails", "/provided_model_name", "/providedModelName"),
        ("/trace_id", "/traceId"),
    ),
    source="langfuse.com, blob-storage-export-fields (observations_v2); langfuse 5.0 ObservationV2",
    at=Moment(paths=("/start_time", "/startTime"), zone="UTC"),
    end=Moment(paths=("/end_time", "/endTime"), zone="UTC"),
    request=("/id",),
    parent=("/parent_observation_id", "/parentObservationId", "/trace_id", "/traceId"),
    input=("/usage_details|/input", "/usageDetails|/input"),
    cached=tuple(
        f"/{details}|/{name}"
        for details in ("usage_details", "usageDetails")
        for name in ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read")
    ),
    written=tuple(
        f"/{details}|/{name}"
        for details in ("usage_details", "usageDetails")
        for name in ("cache_creation_input_tokens", "input_cache_creation")
    ),
    output=("/usage_details|/output", "/usageDetails|/output"),
    reasoning=tuple(
        f"/{details}|/{name}"
        for details in ("usage_details", "usageDetails")
        for name in ("output_reasoning_tokens", "reasoning_tokens", "output_reasoning")
    ),
    total=("/usage_details|/total", "/usageDetails|/total"),
    cached_inside=False,
    reasoning_inside=False,
    cost=Amount(paths=("/total_cost", "/totalCost", "/cost_details|/total")),
    latency=Amount(paths=("/latency",), times="1000"),
    first_token=Amount(paths=("/time_to_first_token", "/timeToFirstToken"), times="1000"),
    model=("/provided_model_name", "/providedModelName", "/model"),
    operation=("/type",),
    only=(("/type", ("generation", "embedding", "reranker")),),
    failed=(("/level", ("error",)),),
    feature=("/metadata|/feature",),
    environment=("/environment",),
    caller=("/user_id", "/userId", "/trace_name", "/traceName", "/name"),
    tags=("/tags", "/metadata"),
    asked=("/input",),
)
