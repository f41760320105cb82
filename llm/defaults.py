"""What is known of models before the first request."""

import re

_BY_PROVIDER: dict[str, dict[str, int]] = {
    "openai": {
        "text-embedding-3-large": 3072,
        "text-embedding-3-small": 1536,
        "text-embedding-ada-002": 1536,
    },
    "cohere": {
        "embed-english-light-v2.0": 1024,
        "embed-english-light-v3.0": 384,
        "embed-english-v2.0": 4096,
        "embed-english-v3.0": 1024,
        "embed-multilingual-light-v3.0": 384,
        "embed-multilingual-v2.0": 768,
        "embed-multilingual-v3.0": 1024,
        "embed-v4.0": 1536,
        "embed-v5.0-fast": 2048,
        "embed-v5.0-pro": 2048,
    },
    "voyage": {
        "voyage-2": 1024,
        "voyage-3": 1024,
        "voyage-3-large": 1024,
        "voyage-3-lite": 512,
        "voyage-3.5": 1024,
        "voyage-3.5-lite": 1024,
        "voyage-4": 1024,
        "voyage-4-large": 1024,
        "voyage-4-lite": 1024,
        "voyage-code-2": 1536,
        "voyage-code-3": 1024,
        "voyage-code-4": 1024,
        "voyage-context-3": 1024,
        "voyage-context-4": 1024,
        "voyage-finance-2": 1024,
        "voyage-large-2": 1536,
        "voyage-large-2-instruct": 1024,
        "voyage-law-2": 1024,
        "voyage-multilingual-2": 1024,
        "voyage-multimodal-3": 1024,
        "voyage-multimodal-3.5": 1024,
    },
    "vertex_ai": {
        "gemini-embedding-001": 3072,
        "gemini-embedding-2": 3072,
        "gemini-embedding-2-preview": 3072,
        "multimodalembedding": 1408,
        "multimodalembedding@001": 1408,
        "text-embedding-004": 768,
        "text-embedding-005": 768,
        "text-embedding-large-exp-03-07": 3072,
        "text-embedding-preview-0409": 768,
        "text-multilingual-embedding-002": 768,
        "textembedding-gecko": 768,
        "textembedding-gecko-multilingual": 768,
        "textembedding-gecko-multilingual@001": 768,
        "textembedding-gecko@001": 768,
        "textembedding-gecko@003": 768,
    },
    "bedrock": {
        "amazon.nova-2-multimodal-embeddings-v1:0": 3072,
        "amazon.titan-embed-g1-text-02": 1536,
        "amazon.titan-embed-image-v1": 1024,
        "amazon.titan-embed-text-v1": 1536,
        "amazon.titan-embed-text-v2:0": 1024,
        "cohere.embed-english-v3": 1024,
        "cohere.embed-multilingual-v3": 1024,
        "cohere.embed-v4:0": 1536,
        "twelvelabs.marengo-embed-2-7-v1:0": 1024,
        "twelvelabs.marengo-embed-3-0-v1:0": 512,
    },
    "mistral": {
        "codestral-embed": 1536,
        "codestral-embed-2505": 1536,
        "mistral-embed": 1024,
        "mistral-embed-2312": 1024,
    },
    "gemini": {
        "embedding-001": 768,
        "gemini-embedding-001": 3072,
        "gemini-embedding-2": 3072,
        "gemini-embedding-2-preview": 3072,
        "text-embedding-004": 768,
    },
    "jina_ai": {
        "jina-clip-v1": 768,
        "jina-clip-v2": 1024,
        "jina-code-embeddings-0.5b": 896,
        "jina-code-embeddings-1.5b": 1536,
        "jina-embeddings-v2-base-code": 768,
        "jina-embeddings-v2-base-de": 768,
        "jina-embeddings-v2-base-en": 768,
        "jina-embeddings-v2-base-es": 768,
        "jina-embeddings-v2-base-zh": 768,
        "jina-embeddings-v2-small-en": 512,
        "jina-embeddings-v3": 1024,
        "jina-embeddings-v4": 2048,
        "jina-embeddings-v5-text-nano": 768,
        "jina-embeddings-v5-text-small": 1024,
    },
    "nomic": {
        "nomic-embed-text-v1": 768,
        "nomic-embed-text-v1.5": 768,
        "nomic-embed-vision-v1": 768,
        "nomic-embed-vision-v1.5": 768,
    },
}

HUGGING_FACE_DIMENSIONS: dict[str, int] = {
    "Alibaba-NLP/gte-Qwen2-1.5B-instruct": 1536,
    "Alibaba-NLP/gte-Qwen2-7B-instruct": 3584,
    "Alibaba-NLP/gte-base-en-v1.5": 768,
    "Alibaba-NLP/gte-large-en-v1.5": 1024,
    "Alibaba-NLP/gte-modernbert-base": 768,
    "Alibaba-NLP/gte-multilingual-base": 768,
    "BAAI/bge-base-en": 768,
    "BAAI/bge-base-en-v1.5": 768,
    "BAAI/bge-base-zh-v1.5": 768,
    "BAAI/bge-large-en": 1024,
    "BAAI/bge-large-en-v1.5": 1024,
    "BAAI/bge-large-zh-v1.5": 1024,
    "BAAI/bge-m3": 1024,
    "BAAI/bge-multilingual-gemma2": 3584,
    "BAAI/bge-small-en": 384,
    "BAAI/bge-small-en-v1.5": 384,
    "BAAI/bge-small-zh-v1.5": 512,
    "Qwen/Qwen3-Embedding-0.6B": 1024,
    "Qwen/Qwen3-Embedding-4B": 2560,
    "Qwen/Qwen3-Embedding-8B": 4096,
    "Salesforce/SFR-Embedding-Mistral": 4096,
    "Snowflake/snowflake-arctic-embed-l": 1024,
    "Snowflake/snowflake-arctic-embed-l-v2.0": 1024,
    "Snowflake/snowflake-arctic-embed-m": 768,
    "Snowflake/snowflake-arctic-embed-m-v1.5": 768,
    "Snowflake/snowflake-arctic-embed-m-v2.0": 768,
    "Snowflake/snowflake-arctic-embed-s": 384,
    "Snowflake/snowflake-arctic-embed-xs": 384,
    "WhereIsAI/UAE-Large-V1": 1024,
    "google/embeddinggemma-300m": 768,
    "hkunlp/instructor-base": 768,
    "hkunlp/instructor-large": 768,
    "hkunlp/instructor-xl": 768,
    "ibm-granite/granite-embedding-107m-multilingual": 384,
    "ibm-granite/granite-embedding-125m-english": 768,
    "ibm-granite/granite-embedding-278m-multilingual": 768,
    "ibm-granite/granite-embedding-30m-english": 384,
    "ibm-granite/granite-embedding-english-r2": 768,
    "ibm-granite/granite-embedding-small-english-r2": 384,
    "intfloat/e5-base-v2": 768,
    "intfloat/e5-large-v2": 1024,
    "intfloat/e5-mistral-7b-instruct": 4096,
    "intfloat/e5-small-v2": 384,
    "intfloat/multilingual-e5-base": 768,
    "intfloat/multilingual-e5-large": 1024,
    "intfloat/multilingual-e5-large-instruct": 1024,
    "intfloat/multilingual-e5-small": 384,
    "jinaai/jina-embeddings-v2-base-code": 768,
    "jinaai/jina-embeddings-v2-base-en": 768,
    "jinaai/jina-embeddings-v2-small-en": 512,
    "jinaai/jina-embeddings-v3": 1024,
    "jinaai/jina-embeddings-v4": 2048,
    "lightonai/modernbert-embed-large": 1024,
    "mixedbread-ai/mxbai-embed-large-v1": 1024,
    "mixedbread-ai/mxbai-embed-xsmall-v1": 384,
    "nomic-ai/modernbert-embed-base": 768,
    "nomic-ai/nomic-embed-code": 3584,
    "nomic-ai/nomic-embed-text-v1": 768,
    "nomic-ai/nomic-embed-text-v1.5": 768,
    "nomic-ai/nomic-embed-text-v2-moe": 768,
    "nvidia/NV-Embed-v2": 4096,
    "sentence-transformers/LaBSE": 768,
    "sentence-transformers/all-MiniLM-L12-v1": 384,
    "sentence-transformers/all-MiniLM-L12-v2": 384,
    "sentence-transformers/all-MiniLM-L6-v1": 384,
    "sentence-transformers/all-MiniLM-L6-v2": 384,
    "sentence-transformers/all-distilroberta-v1": 768,
    "sentence-transformers/all-mpnet-base-v1": 768,
    "sentence-transformers/all-mpnet-base-v2": 768,
    "sentence-transformers/all-roberta-large-v1": 1024,
    "sentence-transformers/clip-ViT-B-32": 512,
    "sentence-transformers/distiluse-base-multilingual-cased-v1": 512,
    "sentence-transformers/distiluse-base-multilingual-cased-v2": 512,
    "sentence-transformers/gtr-t5-base": 768,
    "sentence-transformers/gtr-t5-large": 768,
    "sentence-transformers/msmarco-MiniLM-L6-cos-v5": 384,
    "sentence-transformers/msmarco-distilbert-base-v4": 768,
    "sentence-transformers/multi-qa-MiniLM-L6-cos-v1": 384,
    "sentence-transformers/multi-qa-distilbert-cos-v1": 768,
    "sentence-transformers/multi-qa-mpnet-base-cos-v1": 768,
    "sentence-transformers/multi-qa-mpnet-base-dot-v1": 768,
    "sentence-transformers/paraphrase-MiniLM-L3-v2": 384,
    "sentence-transformers/paraphrase-MiniLM-L6-v2": 384,
    "sentence-transformers/paraphrase-albert-small-v2": 768,
    "sentence-transformers/paraphrase-mpnet-base-v2": 768,
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": 384,
    "sentence-transformers/paraphrase-multilingual-mpnet-base-v2": 768,
    "sentence-transformers/sentence-t5-base": 768,
    "sentence-transformers/sentence-t5-large": 768,
    "sentence-transformers/static-retrieval-mrl-en-v1": 1024,
    "sentence-transformers/static-similarity-mrl-multilingual-v1": 1024,
    "thenlper/gte-base": 768,
    "thenlper/gte-large": 1024,
    "thenlper/gte-small": 384,
}
"""Length of the vectors of models that sentence-transformers runs, by Hugging Face id."""

EMBEDDING_DIMENSIONS: dict[str, int] = {
    **{f"{p}/{model}": n for p, models in _BY_PROVIDER.items() for model, n in models.items()},
    **HUGGING_FACE_DIMENSIONS,
}
"""Length of the vectors of an embedding model, by its canonical name.

Where a model can be asked for several lengths, it is the one that it gives unasked.
"""

_REGION = re.compile(r"(?:us|eu|apac|jp|au|global|us-gov)\.(?=(?:amazon|cohere|twelvelabs)\.)")
"""What Amazon Bedrock puts before a model that answers from several regions."""


def lookup_embedding_dimensions(model: str) -> int | None:
    """Length of the vectors of ``model``, with or without its provider prefix.

    Any prefix will do (``azure/text-embedding-3-small``), several too, and any case.
    ``None`` when the model is not known.
    """
    return next((_BY_ENDING[name] for name in _endings(model) if name in _BY_ENDING), None)


def _endings(model: str) -> list[str]:
    """``a/b/c``, ``b/c`` and ``c``, in lower case."""
    parts = model.lower().split("/")
    parts[-1] = _REGION.sub("", parts[-1])
    return ["/".join(parts[start:]) for start in range(len(parts))]


_BY_ENDING = {name: n for model, n in EMBEDDING_DIMENSIONS.items() for name in _endings(model)}
