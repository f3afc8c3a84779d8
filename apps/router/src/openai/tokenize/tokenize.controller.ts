import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ServedModel } from '../../served-model.js';
import { MODEL } from '../../tokens.js';
import { ApiJsonBody } from '../api-body.js';
import { chatPrompt } from '../chat/chat-prompt.js';
import {
  type DetokenizeRequest,
  detokenizeRequestSchema,
  type DetokenizeResponse,
  detokenizeResponseSchema,
  type TokenizeRequest,
  tokenizeRequestSchema,
  type TokenizeResponse,
  tokenizeResponseSchema,
} from '../schemas/tokenize.js';

/** POST /tokenize and /detokenize, as vLLM has them. */
@ApiTags('vLLM')
@Controller()
export class TokenizeController {
  constructor(@Inject(MODEL) private readonly model: ServedModel) {}

  @Post('tokenize')
  @HttpCode(200)
  @ApiJsonBody(tokenizeRequestSchema)
  @ApiResponse({ status: 200, standardSchema: tokenizeResponseSchema })
  tokenize(@Body({ schema: tokenizeRequestSchema }) body: TokenizeRequest): TokenizeResponse {
    const { messages, prompt } = body;
    this.model.checkName(body.model);
    const tokens = messages == null ? this.model.encode(prompt ?? '', 'prompt') : chatPrompt(this.model, { ...body, messages }).tokenIds;
    return {
      count: tokens.length,
      max_model_len: this.model.maxModelLen,
      tokens,
      token_strs: body.return_token_strs ? tokens.map((id) => this.model.tokenizer.tokenText(id)) : null,
    };
  }

  @Post('detokenize')
  @HttpCode(200)
  @ApiJsonBody(detokenizeRequestSchema)
  @ApiResponse({ status: 200, standardSchema: detokenizeResponseSchema })
  detokenize(@Body({ schema: detokenizeRequestSchema }) { model, tokens }: DetokenizeRequest): DetokenizeResponse {
    this.model.checkName(model);
    this.model.checkTokenIds(tokens, 'tokens');
    return { prompt: this.model.tokenizer.decode(tokens, { skipSpecialTokens: false }) };
  }
}
