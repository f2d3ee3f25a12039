/** The table of messages: the article's schema, made anew or adopted as it is. */
import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  type ITable,
  ProjectionType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** The index that shows a conversation's messages in order. */
const INDEX = 'byLineUserId';

export interface MessagesProps {
  environment: string;
  /** Whether the table refuses to be deleted and outlives the stack. */
  retain: boolean;
  /** Adopts `Messages{postfix}`. */
  existingPostfix?: string;
}

export class Messages extends Construct {
  /** The table is `Messages{postfix}`. */
  readonly postfix: string;
  readonly table: ITable;

  constructor(scope: Construct, id: string, props: MessagesProps) {
    super(scope, id);
    this.postfix = props.existingPostfix ?? `-${props.environment}`;
    const tableName = `Messages${this.postfix}`;
    this.table =
      props.existingPostfix === undefined
        ? this.made(tableName, props.retain)
        : Table.fromTableName(this, 'Table', tableName);
  }

  /** Lets a function do what the worker does, and nothing else: it never scans. */
  grantTurns(grantee: IGrantable): Grant {
    const table = this.table.tableArn;
    // A transaction needs what its parts need (AWS: "Using IAM with DynamoDB transactions").
    const reads = ['GetItem', 'BatchGetItem', 'ConditionCheckItem'];
    const writes = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'];
    const actions = [...reads, ...writes].map((action) => `dynamodb:${action}`);
    return Grant.addToPrincipal({ grantee, actions, resourceArns: [table] }).combine(
      Grant.addToPrincipal({ grantee, actions: ['dynamodb:Query'], resourceArns: [`${table}/index/${INDEX}`] }),
    );
  }

  private made(tableName: string, retain: boolean): Table {
    const table = new Table(this, 'Table', {
      tableName,
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: retain,
      removalPolicy: retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    table.addGlobalSecondaryIndex({
      indexName: INDEX,
      partitionKey: { name: 'lineUserId', type: AttributeType.STRING },
      sortKey: { name: 'createdAt', type: AttributeType.STRING },
      projectionType: ProjectionType.ALL,
    });
    return table;
  }
}
