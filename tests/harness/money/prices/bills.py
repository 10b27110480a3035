"""Bills worked out by hand, each with the public page that its prices or its example come from.

`working` is the arithmetic as done on paper: tokens x USD per million tokens, before the division
by a million. `input` counts every input token, cached ones included.
"""

from __future__ import annotations

from dataclasses import dataclass

CLAUDE = "https://platform.claude.com/docs/en/about-claude/pricing"
CACHING = "https://platform.claude.com/docs/en/build-with-claude/prompt-caching"
OPENAI = "https://developers.openai.com/api/docs/pricing"
OPENAI_CACHING = "https://openai.com/index/api-prompt-caching/"
GEMINI = "https://ai.google.dev/gemini-api/docs/pricing"
BEDROCK = "https://aws.amazon.com/bedrock/pricing/"
VERTEX = "https://cloud.google.com/vertex-ai/generative-ai/pricing"
CALCULATOR = "https://aipromptshub.co/calc/claude-api-cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one attempt used; `again` is how often the same attempt was made."""

    input: int
    output: int
    read: int = 0
    write: int = 0
    write_1h: int = 0
    reasoning: int = 0
    again: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Attempts on one model, and what they cost together."""

    name: str
    provider: str
    model: str
    calls: tuple[Call, ...]
    working: str
    usd: str
    source: str
    on: str = "2026-11-20"
    batch: bool = False
    tier: str | None = None
    platform: str | None = None
    base_url: str | None = None


BILLS = (
    Bill(
        name="vendor's coding session, tokens only",
        provider="anthropic",
        model="claude-opus-5",
        calls=(Call(input=50_000, output=15_000),),
        working="50000*5 + 15000*25",
        usd="0.625",
        source=CLAUDE,
    ),
    Bill(
        name="vendor's coding session with 40,000 tokens from the cache",
        provider="anthropic",
        model="claude-opus-5",
        calls=(Call(input=50_000, output=15_000, read=40_000),),
        working="10000*5 + 40000*0.50 + 15000*25",
        usd="0.445",
        source=CLAUDE,
    ),
    Bill(
        name="a usage block with a cache read beside the input",
        provider="anthropic",
        model="claude-sonnet-4-5",
        calls=(Call(input=803, output=18, read=380),),
        working="423*3 + 380*0.30 + 18*15",
        usd="0.001653",
        source="https://docs.rs/crate/claude-cost/0.1.0",
    ),
    Bill(
        name="a thousand in, five hundred out",
        provider="anthropic",
        model="claude-sonnet-4-5",
        calls=(Call(input=1_000, output=500),),
        working="1000*3 + 500*15",
        usd="0.0105",
        source="https://docs.rs/claude-cost",
    ),
    Bill(
        name="the announcement's usage block: 1,920 of 2,006 tokens cached",
        provider="openai",
        model="gpt-4o",
        calls=(Call(input=2_006, output=300, read=1_920),),
        working="86*2.50 + 1920*1.25 + 300*10",
        usd="0.005615",
        source=OPENAI_CACHING,
    ),
    Bill(
        name="the same usage block on the small model",
        provider="openai",
        model="gpt-4o-mini",
        calls=(Call(input=2_006, output=300, read=1_920),),
        working="86*0.15 + 1920*0.075 + 300*0.60",
        usd="0.0003369",
        source=OPENAI_CACHING,
    ),
    Bill(
        name="the forum's usage block without a cache hit",
        provider="openai",
        model="gpt-4o",
        calls=(Call(input=245, output=32),),
        working="245*2.50 + 32*10",
        usd="0.0009325",
        source="https://community.openai.com/t/will-cached-prompt-be-charged-in-each-api-call/977999",
    ),
    Bill(
        name="cached tokens stand inside the input",
        provider="openai",
        model="gpt-5",
        calls=(Call(input=1_000, output=500, read=300),),
        working="700*1.25 + 300*0.125 + 500*10",
        usd="0.0059125",
        source="https://docs.rs/crate/openai-cost/0.1.0",
    ),
    Bill(
        name="a 250,000-token prompt pays the long price for all of it",
        provider="google",
        model="gemini-3.1-pro-preview",
        calls=(Call(input=250_000, output=0),),
        working="250000*4",
        usd="1.00",
        source="https://github.com/NousResearch/hermes-agent/pull/93678",
    ),
    Bill(
        name="exactly 200,000 tokens stay below the cliff",
        provider="google",
        model="gemini-3.1-pro-preview",
        calls=(Call(input=200_000, output=0),),
        working="200000*2",
        usd="0.40",
        source="https://github.com/NousResearch/hermes-agent/pull/93678",
    ),
    Bill(
        name="one token more doubles the bill",
        provider="google",
        model="gemini-3.1-pro-preview",
        calls=(Call(input=200_001, output=0),),
        working="200001*4",
        usd="0.800004",
        source=GEMINI,
    ),
    Bill(
        name="a short prompt of a tiered model",
        provider="google",
        model="gemini-2.5-pro",
        calls=(Call(input=100_000, output=0),),
        working="100000*1.25",
        usd="0.125",
        source="https://docs.rs/gemini-cost",
    ),
    Bill(
        name="three times the prompt, six times the bill",
        provider="google",
        model="gemini-2.5-pro",
        calls=(Call(input=300_000, output=0),),
        working="300000*2.50",
        usd="0.75",
        source="https://docs.rs/gemini-cost",
    ),
    Bill(
        name="cached tokens and the answer pay the long price too",
        provider="google",
        model="gemini-2.5-pro",
        calls=(Call(input=250_000, output=4_000, read=50_000),),
        working="200000*2.50 + 50000*0.25 + 4000*15",
        usd="0.5725",
        source=GEMINI,
    ),
    Bill(
        name="cached tokens count towards the cliff",
        provider="google",
        model="gemini-2.5-pro",
        calls=(Call(input=200_001, output=0, read=200_001),),
        working="200001*0.25",
        usd="0.05000025",
        source=GEMINI,
    ),
    Bill(
        name="below the cliff with an answer",
        provider="anthropic",
        model="claude-sonnet-4-5",
        calls=(Call(input=200_000, output=1_000),),
        working="200000*3 + 1000*15",
        usd="0.615",
        source=CLAUDE,
    ),
    Bill(
        name="above the cliff with an answer",
        provider="anthropic",
        model="claude-sonnet-4-5",
        calls=(Call(input=200_001, output=1_000),),
        working="200001*6 + 1000*22.50",
        usd="1.222506",
        source=CLAUDE,
    ),
    Bill(
        name="two requests below the cliff are not one above it",
        provider="anthropic",
        model="claude-sonnet-4-5",
        calls=(Call(input=150_000, output=1_000, again=2),),
        working="2 * (150000*3 + 1000*15)",
        usd="0.93",
        source=CLAUDE,
    ),
    Bill(
        name="no long price any more since March 2026",
        provider="anthropic",
        model="claude-sonnet-4-6",
        calls=(Call(input=300_000, output=1_000),),
        working="300000*3 + 1000*15",
        usd="0.915",
        source=CLAUDE,
    ),
    Bill(
        name="the long price that held before",
        provider="anthropic",
        model="claude-sonnet-4-6",
        calls=(Call(input=300_000, output=1_000),),
        working="300000*6 + 1000*22.50",
        usd="1.8225",
        source=CLAUDE,
        on="2026-03-12",
    ),
    Bill(
        name="writing a prefix for five minutes",
        provider="anthropic",
        model="claude-haiku-4-5",
        calls=(Call(input=10_500, output=200, write=10_000),),
        working="500*1 + 10000*1.25 + 200*5",
        usd="0.014",
        source=CACHING,
    ),
    Bill(
        name="reading the prefix",
        provider="anthropic",
        model="claude-haiku-4-5",
        calls=(Call(input=10_500, output=200, read=10_000),),
        working="500*1 + 10000*0.10 + 200*5",
        usd="0.0025",
        source=CACHING,
    ),
    Bill(
        name="writing the prefix for an hour",
        provider="anthropic",
        model="claude-haiku-4-5",
        calls=(Call(input=10_500, output=200, write=10_000, write_1h=10_000),),
        working="500*1 + 10000*2 + 200*5",
        usd="0.0215",
        source=CACHING,
    ),
    Bill(
        name="both lives of a cache in one request",
        provider="anthropic",
        model="claude-haiku-4-5",
        calls=(Call(input=10_000, output=400, read=1_000, write=8_000, write_1h=3_000),),
        working="1000*1 + 1000*0.10 + 5000*1.25 + 3000*2 + 400*5",
        usd="0.01535",
        source=CACHING,
    ),
    Bill(
        name="a prefix below the minimum of 4,096 tokens is not cached",
        provider="anthropic",
        model="claude-haiku-4-5",
        calls=(Call(input=3_000, output=200, again=2),),
        working="2 * (3000*1 + 200*5)",
        usd="0.008",
        source=CACHING,
    ),
    Bill(
        name="a 2,000-token prefix written for an hour",
        provider="anthropic",
        model="claude-sonnet-4-6",
        calls=(Call(input=2_000, output=0, write=2_000, write_1h=2_000),),
        working="2000*6",
        usd="0.012",
        source=CALCULATOR,
    ),
    Bill(
        name="and read 99 times",
        provider="anthropic",
        model="claude-sonnet-4-6",
        calls=(Call(input=2_000, output=0, read=2_000, again=99),),
        working="99 * 2000*0.30",
        usd="0.0594",
        source=CALCULATOR,
    ),
    Bill(
        name="instead of 100 times at the input price",
        provider="anthropic",
        model="claude-sonnet-4-6",
        calls=(Call(input=2_000, output=0, again=100),),
        working="100 * 2000*3",
        usd="0.60",
        source=CALCULATOR,
    ),
    Bill(
        name="batch is half price",
        provider="anthropic",
        model="claude-opus-4-5",
        calls=(Call(input=10_000, output=1_000),),
        working="10000*2.50 + 1000*12.50",
        usd="0.0375",
        source=CLAUDE,
        batch=True,
    ),
    Bill(
        name="batch and cache together",
        provider="anthropic",
        model="claude-haiku-4-5",
        calls=(Call(input=10_000, output=1_000, read=8_000),),
        working="2000*0.50 + 8000*0.05 + 1000*2.50",
        usd="0.0039",
        source=CLAUDE,
        batch=True,
    ),
    Bill(
        name="batch beyond the cliff",
        provider="anthropic",
        model="claude-sonnet-4-5",
        calls=(Call(input=250_000, output=2_000),),
        working="250000*3 + 2000*11.25",
        usd="0.7725",
        source=CLAUDE,
        batch=True,
    ),
    Bill(
        name="the last token below 272,000",
        provider="openai",
        model="gpt-5.4",
        calls=(Call(input=272_000, output=1_000),),
        working="272000*2.50 + 1000*15",
        usd="0.695",
        source=OPENAI,
    ),
    Bill(
        name="the first token above 272,000",
        provider="openai",
        model="gpt-5.4",
        calls=(Call(input=272_001, output=1_000),),
        working="272001*5 + 1000*22.50",
        usd="1.382505",
        source=OPENAI,
    ),
    Bill(
        name="flex",
        provider="openai",
        model="gpt-5.4",
        calls=(Call(input=10_000, output=1_000),),
        working="10000*1.25 + 1000*7.50",
        usd="0.02",
        source=OPENAI,
        tier="flex",
    ),
    Bill(
        name="priority",
        provider="openai",
        model="gpt-5.4",
        calls=(Call(input=10_000, output=1_000),),
        working="10000*5 + 1000*30",
        usd="0.08",
        source=OPENAI,
        tier="priority",
    ),
    Bill(
        name="a small model in batch",
        provider="openai",
        model="gpt-5-mini",
        calls=(Call(input=10_000, output=1_000),),
        working="10000*0.125 + 1000*1",
        usd="0.00225",
        source=OPENAI,
        batch=True,
    ),
    Bill(
        name="reasoning is output",
        provider="openai",
        model="gpt-5-mini",
        calls=(Call(input=1_000, output=2_500, reasoning=2_300),),
        working="1000*0.25 + 2500*2",
        usd="0.00525",
        source=OPENAI,
    ),
    Bill(
        name="a reasoning model after its price cut",
        provider="openai",
        model="o3",
        calls=(Call(input=2_000, output=5_000, reasoning=4_000),),
        working="2000*2 + 5000*8",
        usd="0.044",
        source=OPENAI,
    ),
    Bill(
        name="the same request the day before the price cut",
        provider="openai",
        model="o3",
        calls=(Call(input=2_000, output=5_000, reasoning=4_000),),
        working="2000*10 + 5000*40",
        usd="0.22",
        source="https://aitoolrate.com/blog/2025-guide-how-much-does-openais-o3-model-cost-per-generation-explained",
        on="2025-06-09",
    ),
    Bill(
        name="the new price holds on its first day",
        provider="openai",
        model="o3",
        calls=(Call(input=2_000, output=5_000),),
        working="2000*2 + 5000*8",
        usd="0.044",
        source="https://aitoolrate.com/blog/2025-guide-how-much-does-openais-o3-model-cost-per-generation-explained",
        on="2025-06-10",
    ),
    Bill(
        name="a quarter of the price for cached tokens",
        provider="openai",
        model="gpt-4.1-nano",
        calls=(Call(input=3_000, output=150, read=2_048),),
        working="952*0.10 + 2048*0.025 + 150*0.40",
        usd="0.0002064",
        source=OPENAI,
    ),
    Bill(
        name="a vendor that charges for writing since this generation",
        provider="openai",
        model="gpt-5.6-luna",
        calls=(Call(input=12_000, output=500, write=10_000),),
        working="2000*0.20 + 10000*0.25 + 500*1.20",
        usd="0.0035",
        source=OPENAI,
    ),
    Bill(
        name="an embedding has no output",
        provider="openai",
        model="text-embedding-3-small",
        calls=(Call(input=8_000, output=0),),
        working="8000*0.02",
        usd="0.00016",
        source=OPENAI,
    ),
    Bill(
        name="a million tokens in one request of a model without a cliff",
        provider="google",
        model="gemini-2.5-flash",
        calls=(Call(input=1_000_000, output=8_000),),
        working="1000000*0.30 + 8000*2.50",
        usd="0.32",
        source=GEMINI,
    ),
    Bill(
        name="the smallest tier",
        provider="google",
        model="gemini-2.5-flash-lite",
        calls=(Call(input=50_000, output=2_000),),
        working="50000*0.10 + 2000*0.40",
        usd="0.0058",
        source=GEMINI,
    ),
    Bill(
        name="thinking is output in batch as well",
        provider="google",
        model="gemini-2.5-flash",
        calls=(Call(input=50_000, output=2_000, reasoning=1_500),),
        working="50000*0.15 + 2000*1.25",
        usd="0.01",
        source=GEMINI,
        batch=True,
    ),
    Bill(
        name="an answer cut short is charged, and so is its retry",
        provider="anthropic",
        model="claude-haiku-4-5",
        calls=(Call(input=1_000, output=512), Call(input=1_000, output=300)),
        working="(1000*1 + 512*5) + (1000*1 + 300*5)",
        usd="0.00606",
        source=CLAUDE,
    ),
    Bill(
        name="a regional endpoint costs a tenth more",
        provider="anthropic",
        model="anthropic.claude-haiku-4-5-20251001-v1:0",
        calls=(Call(input=10_000, output=1_000, read=4_000),),
        working="6000*1.10 + 4000*0.11 + 1000*5.50",
        usd="0.01254",
        source=BEDROCK,
        platform="bedrock",
    ),
    Bill(
        name="the same model on another cloud",
        provider="anthropic",
        model="claude-haiku-4-5",
        calls=(Call(input=10_000, output=1_000, write=4_000),),
        working="6000*1 + 4000*1.25 + 1000*5",
        usd="0.016",
        source=VERTEX,
        platform="vertex",
    ),
    Bill(
        name="a price by the hour counts at its dearest",
        provider="openai-compatible",
        model="deepseek-chat",
        calls=(Call(input=10_000, output=1_000, read=5_000),),
        working="5000*0.27 + 5000*0.07 + 1000*1.10",
        usd="0.0028",
        source="https://api-docs.deepseek.com/quick_start/pricing",
        base_url="https://api.deepseek.com/v1",
    ),
)
